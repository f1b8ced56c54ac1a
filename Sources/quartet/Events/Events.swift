import ArgumentParser
import Logging
import QuartetService

/// Looks after events on their way between the stores.
struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look after events: those that were put aside, and those to hand off again.",
        subcommands: [EventsDead.self, EventsReplay.self, EventsTopology.self])
}

extension ConfigurationOptions {
    /// Runs `body` on the configured stores; the log shows warnings alone.
    func withComposition<Value>(
        _ name: String, _ body: (Composition) async throws -> Value
    ) async throws -> Value {
        let configuration = try load()
        let composition = try Composition(
            configuration, role: name, metrics: MetricsRegistry(), logger: configuration.reportLogger(name))
        do {
            let value = try await body(composition)
            await composition.clients.close()
            return value
        } catch {
            await composition.clients.close()
            throw error
        }
    }
}
