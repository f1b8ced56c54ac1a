import ArgumentParser
import Foundation
import QuartetService

struct EventsReplay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Hand events of the outboxes off again.",
        discussion: """
            Reads what the outboxes still have (outbox.retention), oldest first, and delivers it to the task queue and the \
            topics once more. Whoever takes events in applies only what is newer than what it has, so this may be done at any \
            time, also twice.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: "Only what happened since then: 2026-01-31T03:00:00Z, or a duration like 12h ago.")
    var since: String?

    @Option(help: "Only events of this type: analysis.completed.")
    var type: String?

    @Option(help: "Only events of the aggregate with this id.")
    var aggregate: String?

    @Option(help: "Only to these sinks, queue, events or rabbitmq; may be given several times.")
    var sink: [String] = []

    @Flag(help: "Print the counts as JSON.")
    var json = false

    func validate() throws {
        if let since { _ = try PastTime.parse(since, option: "--since") }
    }

    func run() async throws {
        var options = ReplayOptions()
        options.since = try since.map { try PastTime.parse($0, option: "--since") }
        options.type = type
        options.aggregateID = aggregate
        options.sinks = Set(sink)
        let bar = ProgressBar("replay", unit: "events", isQuiet: json && !Terminal.isInteractive)
        let chosen = options
        let counts = try await configuration.withComposition("replay") { composition in
            try await composition.replay(chosen) {
                bar.advance(by: $0.replayed, note: "to \($0.database).\($0.sink)")
            }
        }
        bar.finish()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let document = Dictionary(uniqueKeysWithValues: counts.map { ($0.name, $0.count) })
            return Terminal.out(String(decoding: try encoder.encode(document), as: UTF8.self))
        }
        for (name, count) in counts { Terminal.out("\(name): \(count) handed off again") }
    }
}
