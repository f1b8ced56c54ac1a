import ArgumentParser
import QuartetService
import ServiceSupport

/// Fetches what suppliers have, and says how far that is.
struct Sync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch what a supplier has; or say how the suppliers stand.",
        subcommands: [SyncSupplier.self, SyncStatus.self], defaultSubcommand: SyncSupplier.self)
}

struct SyncSupplier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Fetch a supplier's categories, items, orders and questions, page by page.",
        discussion: "A run that was cut off is gone on with. Exits with 1 if any kind could not be fetched to its end.")

    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: "The id of its account.")
    var supplier: String

    @Flag(help: "All that it has, not only what changed; what it lists no longer is marked as removed.")
    var full = false

    @Option(name: .customLong("only"), help: "categories, items, orders or questions; may be repeated.")
    var lists: [String] = []

    @Flag(help: "Print the outcome as JSON, a line for each kind.")
    var json = false

    func run() async throws {
        let reports = try await configuration.withComposition("sync") {
            try await SyncView.run(try $0.supplierSync(), supplier, only: lists, isFull: full, isJSON: json)
        }
        for report in reports { Terminal.out(try json ? SyncView.json(report) : SyncView.text(report)) }
        if reports.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }
}

struct SyncStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How far each supplier is fetched, and why its last run failed.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print it as JSON, a line for each kind of each supplier.")
    var json = false

    func run() async throws {
        for state in try await configuration.withComposition("sync", { try await $0.supplierSync().states() }) {
            Terminal.out(try json ? SyncView.json(state) : SyncView.text(state))
        }
    }
}
