import ArgumentParser
import Foundation
import QuartetService
import Suppliers
import Synchronization

/// Fetches what a supplier has.
struct Sync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
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
        for report in reports { Terminal.out(try json ? Self.json(report) : Self.text(report)) }
        if reports.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }

    private static func json(_ report: SyncReport) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }

    private static func text(_ report: SyncReport) -> String {
        let removed = report.isFull ? ", \(report.removed) removed" : ""
        let seconds = report.seconds.formatted(.number.precision(.fractionLength(1)).locale(Locale(identifier: "en")))
        let error = report.error.map { "; \($0)" } ?? ""
        return "\(report.supplier) \(report.kind.rawValue): \(report.met) met in \(report.pages) pages, "
            + "\(report.changed) changed, \(report.refused) refused\(removed) in \(seconds) s\(error)"
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
