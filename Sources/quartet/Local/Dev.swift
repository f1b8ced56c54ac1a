import ArgumentParser
import Foundation
import QuartetAPI
import QuartetCore
import QuartetService
import QuartetStack

struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run private servers and every role in one process.",
        discussion: """
            Data stays in the data folder. Its stack.env has the addresses of the API and of the servers, so that the clients
            of this command and psql, redis-cli, mongosh and kcat can look in. SIGINT or SIGTERM stops everything. Kafka is
            the distribution whose folder KAFKA_HOME names, run by Java 17 or later; without, an embedded broker that keeps
            events in memory. RabbitMQ runs too where it is installed, unless --without rabbitmq.
            """)

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var directory: StackDirectory
    @OptionGroup var broker: StackBroker
    @OptionGroup var access: StackAccess

    @Option(help: "The API's port; a free one unless given.")
    var port = 0

    func run() async throws {
        // What is wrong in the file is said before servers start.
        _ = try configuration.load()
        var options = try broker.options
        options.security = access.security
        let stack = try await LocalStack.start(directory: directory.url, options: options)
        Terminal.say(stack.busSummary)
        stack.sayAccess()
        do {
            try await stack.whileServing { try await runRoles(on: stack) }
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    private func runRoles(on stack: LocalStack) async throws {
        let environment = ProcessInfo.processInfo.environment.merging(stack.environment) { _, ours in ours }
        var configuration = try QuartetConfiguration.load(path: configuration.config, environment: environment)
        configuration.api.port = port
        if configuration.api.key.isEmpty { configuration.api.key = try keptKey() }
        let logger = configuration.logger("migrate")
        let composition = try Composition(
            configuration, role: "migrate", metrics: MetricsRegistry(), logger: logger)
        _ = try await composition.migrate()
        await composition.clients.close()
        let final = configuration
        try await quartet.runRoles(Set(RoleName.allCases), final, as: "dev") { port in
            let url = QuartetConfiguration.url(host: final.api.host, port: port)
            do {
                let file = try stack.writeEnvironmentFile(
                    adding: ["QUARTET_API_URL": url, "QUARTET_API_KEY": final.api.key])
                let command = LocalStack.command(toRead: file)
                Terminal.say("Quartet runs at \(url); `\(command)` gives its address and key; stop with Ctrl-C")
            } catch {
                Terminal.say("stack.env could not be written: \(error)")
            }
        }
    }

    /// The API key of this data folder, made at its first start.
    private func keptKey() throws -> String {
        let file = directory.url.appendingPathComponent("api.key")
        if let kept = try? String(contentsOf: file, encoding: .utf8), !kept.isEmpty {
            return kept.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let key = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
        // Whole or not there, and never for others to read.
        let draft = file.path + ".draft"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let isWritten = descriptor >= 0 && write(descriptor, key, key.utf8.count) == key.utf8.count
        if descriptor >= 0 { close(descriptor) }
        guard isWritten, rename(draft, file.path) == 0 else { throw ClientError("\(file.path) can't be written") }
        return key
    }
}
