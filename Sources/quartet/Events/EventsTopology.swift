import ArgumentParser
import Foundation
import QuartetService

struct EventsTopology: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology",
        abstract: "Show RabbitMQ's queues for events, what is bound to them and what they have.",
        discussion: "`quartet migrate` declares what is missing. Exits with 1 if a queue is not there.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print them as JSON, one a line.")
    var json = false

    func run() async throws {
        let reports = try await configuration.withComposition("events") { try await $0.eventTopology() }
        if !json { Terminal.out("exchange \(Composition.eventExchange)") }
        for report in reports {
            if json {
                Terminal.out(try JSONLine.text(report))
                continue
            }
            let state =
                report.messages.map {
                    "\($0) waiting, \(report.consumers ?? 0) consumers, \(report.deadLetters ?? 0) put aside"
                } ?? "is not there: run quartet migrate"
            Terminal.out("  queue \(report.queue): \(state)")
            for key in report.routingKeys { Terminal.out("    \(key)") }
        }
        if reports.contains(where: { $0.messages == nil }) { throw ExitCode(1) }
    }
}
