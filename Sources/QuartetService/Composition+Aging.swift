import ClientSupport
package import Foundation
import QuartetCore
import QuartetRoles
import QuartetStores
import ServiceLifecycle
import ServiceSupport

/// How an aging cache stands.
package struct AgingReport: Sendable, Codable {
    package let name: String
    /// Rows in the cache, and what they take of Redis's memory.
    package let cachedRows, cachedBytes: Int
    package let refreshedAt: Date?
    package let nextTurnSeconds: Double
    package let sourceRows: Int
    /// Rows that had no turn yet.
    package let newRows: Int
    /// The last turn of the row that waits longest among the others.
    package let oldestTurnAt: Date?
    /// Turns until each row has had one, with what is there now.
    package let turnsForAll: Int
}

extension Composition {
    var agingCaches: [AgingCache] { shop.flatMap(\.agingRows).map { AgingCache(source: $0, store: ports.aging) } }

    func agingRefreshers() -> [any Service] { agingCaches.map { refresher(of: $0.source) } }

    private func refresher(of source: AgingRows) -> AgingRefresher {
        AgingRefresher(configuration: live.part(\.aging), source: source, store: ports.aging, logger: logger)
    }

    /// All if none is named.
    private func sources(_ names: [String]) throws -> [AgingRows] {
        let all = shop.flatMap(\.agingRows)
        if let unknown = names.first(where: { name in !all.contains { $0.name == name } }) {
            let known = all.map(\.name).joined(separator: ", ")
            throw ConfigurationError(key: unknown, problem: "is no aging cache; there are \(known)")
        }
        return all.filter { names.isEmpty || names.contains($0.name) }
    }

    package func agingReports() async throws -> [AgingReport] {
        var reports: [AgingReport] = []
        for source in try sources([]) {
            let (state, turns) = (try await ports.aging.state(of: source.name), try await source.turns())
            let settings = configuration.aging
            let (new, old) = (turns.new, turns.rows - turns.new)
            reports.append(
                AgingReport(
                    name: source.name, cachedRows: state.rows, cachedBytes: state.bytes, refreshedAt: state.refreshedAt,
                    nextTurnSeconds: state.nextTurn.seconds, sourceRows: turns.rows, newRows: new,
                    oldestTurnAt: turns.oldest,
                    turnsForAll: max(
                        (new + settings.newRows - 1) / settings.newRows, (old + settings.oldRows - 1) / settings.oldRows
                    )))
        }
        return reports
    }

    /// One turn now of each cache that is named, or of all; gives how many rows had it.
    package func refreshAging(_ names: [String]) async throws -> [(name: String, rows: Int)] {
        var counts: [(name: String, rows: Int)] = []
        for source in try sources(names) {
            counts.append((source.name, try await refresher(of: source).refill()))
        }
        return counts
    }

    /// Empties the caches that are named, or all, and takes every row's turn away; gives how many had had one.
    package func resetAging(
        _ names: [String], observe: (_ name: String, _ rows: Int) -> Void
    ) async throws -> [(name: String, rows: Int)] {
        var counts: [(name: String, rows: Int)] = []
        for source in try sources(names) {
            var (last, rows) = ("", 0)
            while let page = try await source.forgetTurns(after: last, limit: 10_000) {
                (last, rows) = (page.id, rows + page.count)
                observe(source.name, rows)
            }
            try await ports.aging.clear(source.name)
            counts.append((source.name, rows))
        }
        return counts
    }
}
