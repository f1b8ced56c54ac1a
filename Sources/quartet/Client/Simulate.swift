import ArgumentParser
import ClientSupport
import Foundation
import QuartetService

/// `quartet simulate`: what shops do, for trials.
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Play a shop, for trials.", subcommands: [SimulateOrders.self])
}

struct SimulateOrders: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orders", abstract: "Publish orders of random users and products to shop.orders.",
        discussion: """
            The users and products are those that the aging caches have (`quartet cache`), or that the market's read models \
            know. The role project takes the orders in.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: "Orders a second.")
    var rate = 10

    @Option(help: "For how many seconds; until Ctrl-C unless given.")
    var seconds: Int?

    @Flag(help: "Print the counts as JSON.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(rate) else { throw ValidationError("--rate is 1 to 100000") }
        guard (1...86_400).contains(seconds ?? 1) else { throw ValidationError("--seconds is 1 to 86400") }
    }

    func run() async throws {
        let bar = ProgressBar("simulate", unit: "orders", isQuiet: json && !Terminal.isInteractive)
        let started = ContinuousClock.now
        let count = try await configuration.withComposition("simulate") { composition in
            try await composition.simulateOrders(perSecond: rate, for: seconds.map { .seconds($0) }) {
                bar.advance(by: $0, note: "to shop.orders")
            }
        }
        bar.finish()
        let took = started.duration(to: .now).seconds
        if json { return Terminal.out(try JSONLine.text(Report(orders: count, seconds: took))) }
        Terminal.out("\(count) orders published in \(String(format: "%.1f", took)) s")
    }

    private struct Report: Encodable {
        let orders: Int
        let seconds: Double
    }
}
