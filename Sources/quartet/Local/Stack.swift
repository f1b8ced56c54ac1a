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

struct Stack: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run private PostgreSQL, Redis, MongoDB and Kafka servers alone.",
        discussion: "Their addresses are in stack.env of the data folder. SIGINT or SIGTERM stops them.")

    @OptionGroup var directory: StackDirectory

    func run() async throws {
        let stack = try await LocalStack.start(directory: directory.url)
        do {
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
