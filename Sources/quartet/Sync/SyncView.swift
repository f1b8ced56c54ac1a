import ArgumentParser
import Foundation
import ServiceSupport
import Synchronization

/// Runs syncs with a bar, and what came of them for readers and programs.
enum SyncView {
    /// - Parameter only: names of lists; all of them where there is none.
    static func run(
        _ sync: PageSync, _ account: String, only names: [String], isFull: Bool, isJSON: Bool
    ) async throws -> [SyncReport] {
        let known = sync.source.lists
        if let stranger = names.first(where: { name in !known.contains { $0.name == name } }) {
            let all = known.map(\.name).joined(separator: ", ")
            throw ValidationError("--only \(stranger): there are \(all)")
        }
        let bar = ProgressBar(account, unit: "rows", isQuiet: isJSON && !Terminal.isInteractive)
        let met = Counts()
        let lists = names.isEmpty ? known : known.filter { names.contains($0.name) }
        let reports = try await sync.run(account, kinds: lists, isFull: isFull) { progress in
            bar.advance(by: met.grown(progress), note: progress.kind.name)
        }
        if bar.hasAdvanced { bar.finish() }
        return reports
    }

    /// - Parameter one: as what an account is known.
    static func json(_ value: some Encodable, of one: String = "supplier") throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom { path in
            let name = path.last?.stringValue ?? ""
            return Key(stringValue: name == "account" ? one : snaked(name))
        }
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static func snaked(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
    }

    static func text(_ report: SyncReport) -> String {
        let removed = report.isFull ? ", \(report.removed) removed" : ""
        let seconds = report.seconds.formatted(.number.precision(.fractionLength(1)).locale(Locale(identifier: "en")))
        let error = report.error.map { "; \($0)" } ?? ""
        return "\(report.account) \(report.kind.name): \(report.met) met in \(report.pages) pages, "
            + "\(report.changed) changed, \(report.refused) refused\(removed) in \(seconds) s\(error)"
    }

    static func text(_ state: SyncState) -> String {
        let synced = state.syncedAt.map { "synced \($0.formatted(.iso8601))" } ?? "never synced"
        let full = state.fullAt.map { ", wholly \($0.formatted(.iso8601))" } ?? ""
        let open = state.openPassMet.map { "; a pass is under way, \($0) met" } ?? ""
        let holder = state.holder.map { ", by \($0)" } ?? ""
        let error = state.lastError.map { "\n    last error: \($0)" } ?? ""
        let paused = state.isPaused ? " (paused)" : ""
        return "\(state.account) \(state.kind.name)\(paused): \(synced)\(full)\(open)\(holder)\(error)"
    }
}

/// How much more was met each time: progress is told by kind.
private final class Counts: Sendable {
    private let last = Mutex<[SyncedList: Int]>([:])

    func grown(_ progress: SyncProgress) -> Int {
        last.withLock { last in
            defer { last[progress.kind] = progress.met }
            return progress.met - last[progress.kind, default: 0]
        }
    }
}
