import ArgumentParser
import Foundation
import QuartetDatabases
import QuartetService

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the databases' schemas, MongoDB's indexes, Kafka's topics and RabbitMQ's queues forward.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print what was applied as JSON.")
    var json = false

    func run() async throws {
        let configuration = try configuration.load(for: [.stores, .relay])
        let composition = try Composition(
            configuration, role: "migrate", metrics: MetricsRegistry(), logger: configuration.logger("migrate"))
        let applied: [(name: String, applied: Int)]
        let bar = ProgressBar("converted", unit: "cards", isQuiet: json)
        do {
            applied = try await composition.migrate { converted, total in
                bar.advance(by: converted, total: total)
            } observe: { [json] progress in
                if !json { Self.show(progress) }
            }
        } catch {
            await composition.clients.close()
            throw error
        }
        await composition.clients.close()
        if bar.hasAdvanced { bar.finish() }
        if !json, Terminal.isInteractive { Terminal.write("\r\u{1B}[K", to: 2) }
        if json {
            let counts = Dictionary(uniqueKeysWithValues: applied.map { ($0.name, $0.applied) })
            Terminal.out(String(decoding: try JSONEncoder().encode(counts), as: UTF8.self))
        } else {
            for (name, count) in applied {
                Terminal.out("\(name): \(count == 0 ? "up to date" : "\(count) applied")")
            }
        }
    }

    /// How far a long migration is, on a terminal.
    private static func show(_ progress: MigrationProgress) {
        guard Terminal.isInteractive else { return }
        let part = progress.total.map { Double(progress.done) / Double(max($0, 1)) }
        let bar = part.map { "\(Terminal.bar($0, width: 30)) \(Int($0 * 100)) %" } ?? "\(progress.done)"
        Terminal.write("\r\u{1B}[K\(progress.migration): \(progress.work) \(bar)", to: 2)
    }
}
