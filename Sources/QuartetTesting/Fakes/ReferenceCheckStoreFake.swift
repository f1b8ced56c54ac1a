package import QuartetCore
import Synchronization

/// References in memory.
package final class FakeReferenceCheckStore: ReferenceCheckStore {
    private struct State {
        var rows: [String: ReferenceFacts] = [:]
        var targets: Set<String> = []
    }

    package let name: String
    package let target = "products"
    package let cure: ReferenceCure
    private let state = Mutex(State())

    package init(_ name: String = "market_listings.product_id", cure: ReferenceCure = .report) {
        self.name = name
        self.cure = cure
    }

    package func plant(_ row: ReferenceFacts) { state.withLock { $0.rows[row.key] = row } }
    package func plant(target: String) { state.withLock { _ = $0.targets.insert(target) } }

    package func references(behind after: String?, limit: Int) async throws -> [ReferenceFacts] {
        let sorted = state.withLock { $0.rows.values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
        guard let after else { return Array(sorted.prefix(limit)) }
        return Array(sorted.drop { !after.utf8.lexicographicallyPrecedes($0.key.utf8) }.prefix(limit))
    }

    package func references(_ keys: [String]) async throws -> [ReferenceFacts?] {
        state.withLock { state in keys.map { state.rows[$0] } }
    }

    package func present(_ targets: Set<String>) async throws -> Set<String> {
        state.withLock { $0.targets.intersection(targets) }
    }

    package func mend(_ references: [ReferenceFacts]) async throws {
        guard cure != .report else { return }
        state.withLock { state in
            for row in references where state.rows[row.key] == row { state.rows[row.key] = nil }
        }
    }
}
