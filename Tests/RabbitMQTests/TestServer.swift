import ClientSupport
import Foundation
import Logging
import QuartetTesting
import RabbitMQ
import Testing

@testable import QuartetStack

/// One server for all tests of the process that do it no harm; they keep apart by names.
enum TestServer {
    private static let start = Task { try await TestStack.privateRabbit() }

    static var shared: RabbitServer {
        get async throws { try await start.value }
    }

    static func configuration(of server: RabbitServer) -> RabbitConfiguration {
        var configuration = RabbitConfiguration(port: server.port)
        configuration.reconnect = Backoff(base: .milliseconds(1), max: .milliseconds(20))
        return configuration
    }
}

extension Logger {
    static let silent = Logger(label: "rabbitmq.tests") { _ in SwiftLogNoOpLogHandler() }
}

/// A queue with a name of its own, bound to an exchange of its own by `a.#`.
struct Route {
    let exchange = TestStack.uniqueName("exchange")
    let queue = TestStack.uniqueName("queue")

    var topology: RabbitTopology {
        var topology = RabbitTopology()
        topology.exchanges = [.init(exchange, .topic)]
        topology.queues = [.init(queue)]
        topology.bindings = [.init(queue: queue, to: exchange, for: "a.#")]
        return topology
    }

    func message(_ text: String, key: String = "a.b") -> RabbitMessage {
        RabbitMessage(
            exchange: exchange, routingKey: key,
            headers: [
                RabbitHeader("kind", "text"), RabbitHeader("version", .integer(.max)), RabbitHeader("is", .flag(true)),
            ],
            body: Array(text.utf8))
    }

    func messages(_ range: Range<Int>) -> [RabbitMessage] { range.map { message("\($0)") } }
}

extension RabbitPublisher {
    /// Publishes, and throws for the first that was not taken.
    func deliver(_ messages: [RabbitMessage], within timeout: Duration = .seconds(30)) async throws {
        for result in try await publish(messages, deadline: .after(timeout)) { try result.get() }
    }

    /// Publishes again and again until all of it is taken: what may have happened may come twice.
    func insist(_ messages: [RabbitMessage]) async throws {
        try await eventually("published") { (try? await self.deliver(messages, within: .seconds(2))) != nil }
    }
}

extension RabbitConsumer {
    /// The texts of the next messages, acknowledged.
    func texts(_ count: Int) async throws -> [String] {
        var texts: [String] = []
        try await eventually("\(count) messages") {
            guard let taken = try? await next(max: count - texts.count, timeout: .seconds(1)), let last = taken.last
            else {
                return false
            }
            texts += taken.map { String(decoding: $0.body, as: UTF8.self) }
            try acknowledge(last)
            return texts.count == count
        }
        return texts
    }
}

struct NotInTime: Error {
    let what: String
}

func eventually(
    _ what: String, isolation: isolated (any Actor)? = #isolation, _ isSo: () async throws -> Bool
) async throws {
    let deadline = Deadline.after(.seconds(60))
    while try await !isSo() {
        guard !deadline.isPast else { throw NotInTime(what: what) }
        await Task.yield()
    }
}

/// The error that `body` throws, which has to be a `RabbitError` on one line without a password.
func rabbitError(
    _ body: () async throws -> Void, at location: SourceLocation = #_sourceLocation
) async throws -> RabbitError {
    do {
        try await body()
    } catch {
        let error = try #require(error as? RabbitError, "\(error)", sourceLocation: location)
        #expect(!error.description.contains("\n") && !error.description.contains("guest:"), sourceLocation: location)
        return error
    }
    Issue.record("nothing was thrown", sourceLocation: location)
    throw NotInTime(what: "an error")
}
