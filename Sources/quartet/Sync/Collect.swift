import ArgumentParser
import Market
import QuartetService
import ServiceSupport

/// Fetches what is listed and ordered at markets, and says how far that is.
struct Collect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch what is listed and ordered at a market; or say how the markets' accounts stand.",
        subcommands: [CollectMarket.self, CollectStatus.self], defaultSubcommand: CollectMarket.self)
}

struct CollectMarket: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Fetch an account's products and orders, page by page; what was ordered there becomes orders.",
        discussion: "A run that was cut off is gone on with. Exits with 1 if any list could not be fetched to its end.")

    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: "The id of the market account, which has a url.")
    var account: String

    @Flag(help: "All that it has, not only what changed; what it lists no longer is marked as removed.")
    var full = false

    @Option(name: .customLong("only"), help: "products or orders; may be repeated.")
    var lists: [String] = []

    @Flag(help: "Print the outcome as JSON, a line for each list and one for the orders.")
    var json = false

    func run() async throws {
        let (reports, orders) = try await configuration.withComposition("collect") { composition in
            let reports = try await SyncView.run(
                try composition.marketSync(), account, only: lists, isFull: full, isJSON: json)
            return (reports, try await composition.marketOrders().take(pause: .zero))
        }
        for report in reports {
            Terminal.out(try json ? SyncView.json(report, of: "account") : SyncView.text(report))
        }
        Terminal.out(try json ? SyncView.json(orders) : Self.text(orders))
        if reports.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }

    private static func text(_ report: MarketOrders.Report) -> String {
        "orders: \(report.stored) stored, \(report.known) known, \(report.waiting) waiting, \(report.refused) refused, "
            + "\(report.followed) of another status"
    }
}

struct CollectStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How far each market account is fetched, and why its last run failed.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print it as JSON, a line for each list of each account.")
    var json = false

    func run() async throws {
        for state in try await configuration.withComposition("collect", { try await $0.marketSync().states() }) {
            Terminal.out(try json ? SyncView.json(state, of: "account") : SyncView.text(state))
        }
    }
}
