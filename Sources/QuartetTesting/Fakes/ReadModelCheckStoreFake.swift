package import QuartetCore
import Synchronization

/// A read model and its source in memory.
package final class FakeReadModelCheckStore: ReadModelCheckStore {
    private struct Sides {
        var source: [String: ReadModelFacts] = [:]
        var copy: [String: ReadModelFacts] = [:]
    }

    package let name: String
    private let kept: Bool
    private let sides = Mutex(Sides())

    package init(_ name: String, isKept: Bool = true) {
        self.name = name
        kept = isKept
    }

    package func plant(source: ReadModelFacts? = nil, copy: ReadModelFacts? = nil) {
        sides.withLock { sides in
            if let source { sides.source[source.key] = source }
            if let copy { sides.copy[copy.key] = copy }
        }
    }

    package func isKept() async throws -> Bool { kept }

    package func source(behind after: String?, limit: Int) async throws -> [ReadModelFacts] {
        Self.page(sides.withLock { Array($0.source.values) }, after, limit)
    }

    package func copy(behind after: String?, limit: Int) async throws -> [ReadModelFacts] {
        Self.page(sides.withLock { Array($0.copy.values) }, after, limit)
    }

    package func source(_ keys: [String]) async throws -> [ReadModelFacts] {
        sides.withLock { sides in keys.compactMap { sides.source[$0] } }
    }

    package func copy(_ keys: [String]) async throws -> [ReadModelFacts] {
        sides.withLock { sides in keys.compactMap { sides.copy[$0] } }
    }

    package func copyAgain(_ keys: [String], seen: [ReadModelFacts]) async throws {
        sides.withLock { sides in
            for key in keys where sides.copy[key]?.version == seen.first(where: { $0.key == key })?.version {
                sides.copy[key] = sides.source[key]
            }
        }
    }

    private static func page(_ rows: [ReadModelFacts], _ after: String?, _ limit: Int) -> [ReadModelFacts] {
        let behind = rows.filter { row in after.map { $0.utf8.lexicographicallyPrecedes(row.key.utf8) } ?? true }
        return Array(behind.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.prefix(limit))
    }
}
