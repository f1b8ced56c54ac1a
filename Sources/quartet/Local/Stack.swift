import ArgumentParser
import Foundation
import QuartetService
import QuartetStack
import ServiceLifecycle
import UnixSignals

/// Where local servers keep their data.
struct StackDirectory: ParsableArguments {
    @Option(name: .customLong("data"), help: "The folder of the servers' data and stack.env.")
    var directory = ".quartet"

    var url: URL { URL(fileURLWithPath: directory, isDirectory: true) }
}

/// Which brokers run beside the other local servers.
struct StackBroker: ParsableArguments {
    @Option(name: .customLong("kafka-nodes"), help: "How many nodes Kafka has: 1 or 3.")
    var nodes = 1

    @Option(help: "What not to start though it is installed: rabbitmq.")
    var without: [Leavable] = []

    enum Leavable: String, ExpressibleByArgument, CaseIterable {
        case rabbitmq
    }

    func validate() throws {
        if ![1, 3].contains(nodes) { throw ValidationError("--kafka-nodes is 1 or 3") }
    }

    var options: StackOptions {
        get throws {
            StackOptions(
                broker: try .preferred(nodes: nodes, substitute: .embedded(brokers: nodes)),
                hasRabbit: !without.contains(.rabbitmq) && RabbitServer.isInstalled)
        }
    }
}

struct Stack: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run private PostgreSQL, Redis, MongoDB, Kafka and RabbitMQ servers alone.",
        discussion: """
            Their addresses are in stack.env of the data folder. SIGINT or SIGTERM stops them. Kafka is the distribution whose
            folder KAFKA_HOME names, run by Java 17 or later; without, an embedded broker that keeps events in memory.
            """)

    @OptionGroup var directory: StackDirectory
    @OptionGroup var broker: StackBroker
    @OptionGroup var access: StackAccess

    func run() async throws {
        var options = try broker.options
        options.security = access.security
        let stack = try await LocalStack.start(directory: directory.url, options: options)
        do {
            Terminal.say(stack.busSummary)
            stack.sayAccess()
            let file = try stack.writeEnvironmentFile()
            let command = LocalStack.command(toRead: file)
            Terminal.say("servers run; `\(command)` gives their addresses; stop with Ctrl-C")
            try await stack.whileServing {
                for await _ in await UnixSignalsSequence(trapping: [.sigint, .sigterm]) { return }
            }
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }
}

extension LocalStack {
    var busSummary: String {
        "events go over \(kafka.summary)" + (rabbit.map { ", and RabbitMQ runs at \($0.address)" } ?? "")
    }

    /// Runs `body`, and ends it with an error when a server goes away by itself.
    func whileServing(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await exit in self.unexpectedExits { throw ClientError("\(exit)") }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
