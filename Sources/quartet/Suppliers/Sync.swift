import ArgumentParser
import Foundation
import QuartetService
import Suppliers
import Synchronization

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
    var kinds: [SupplierKind] = SupplierKind.allCases

    @Flag(help: "Print the outcome as JSON, a line for each kind.")
    var json = false

    func run() async throws {
        let reports = try await configuration.withComposition("sync") { composition in
            let bar = ProgressBar(supplier, unit: "rows", isQuiet: json && !Terminal.isInteractive)
            let met = Counts()
            let reports = try await composition.supplierSync().run(supplier, kinds: kinds, isFull: full) { progress in
                bar.advance(by: met.grown(progress), note: progress.kind.rawValue)
            }
            if bar.hasAdvanced { bar.finish() }
            return reports
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

private enum SyncView {
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func text(_ report: SyncReport) -> String {
        let removed = report.isFull ? ", \(report.removed) removed" : ""
        let seconds = report.seconds.formatted(.number.precision(.fractionLength(1)).locale(Locale(identifier: "en")))
        let error = report.error.map { "; \($0)" } ?? ""
        return "\(report.supplier) \(report.kind.rawValue): \(report.met) met in \(report.pages) pages, "
            + "\(report.changed) changed, \(report.refused) refused\(removed) in \(seconds) s\(error)"
    }

    static func text(_ state: SyncState) -> String {
        let synced = state.syncedAt.map { "synced \($0.formatted(.iso8601))" } ?? "never synced"
        let full = state.fullAt.map { ", wholly \($0.formatted(.iso8601))" } ?? ""
        let open = state.openPassMet.map { "; a pass is under way, \($0) met" } ?? ""
        let holder = state.holder.map { ", by \($0)" } ?? ""
        let error = state.lastError.map { "\n    last error: \($0)" } ?? ""
        let paused = state.isPaused ? " (paused)" : ""
        return "\(state.supplier) \(state.kind.rawValue)\(paused): \(synced)\(full)\(open)\(holder)\(error)"
    }
}

extension SupplierKind: ExpressibleByArgument {}

/// How much more was met each time: progress is told by kind.
private final class Counts: Sendable {
    private let last = Mutex<[SupplierKind: Int]>([:])

    func grown(_ progress: SyncProgress) -> Int {
        last.withLock { last in
            defer { last[progress.kind] = progress.met }
            return progress.met - last[progress.kind, default: 0]
        }
    }
}
