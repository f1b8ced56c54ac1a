import ClientSupport
package import QuartetCore
import Testing

/// What every ``AgingCacheStore`` does.
package enum AgingCacheStoreConformance {
    package static let behaviours: [Conformance<any AgingCacheStore>] = [
        Conformance("one of many has the turn, until it is given up", turnsAreExclusive),
        Conformance("rows come whole, and different ones", rowsComeBack),
        Conformance("rows are replaced, not added to", rowsAreReplaced),
        Conformance("what is cleared is empty, and its turn anybody's", clears),
    ]

    private static func rows(_ ids: some Sequence<Int>) -> [AgingRow] {
        ids.map { AgingRow(id: "행-\($0)", json: Array(#"{"id":"행-\#($0)"}"#.utf8)) }
    }

    private static func turnsAreExclusive(_ store: any AgingCacheStore) async throws {
        #expect(try await store.takeTurn(of: "a", for: .seconds(100)) == nil)
        let left = try await store.takeTurn(of: "a", for: .seconds(100))
        #expect(left.map { $0 > .seconds(10) && $0 <= .seconds(100) } == true)
        #expect(try await store.takeTurn(of: "b", for: .seconds(100)) == nil)
        try await store.giveUpTurn(of: "a")
        #expect(try await store.takeTurn(of: "a", for: .seconds(100)) == nil)
        #expect(try await store.state(of: "a").nextTurn > .zero)
        let firsts = try await withThrowingTaskGroup(of: Duration?.self) { group in
            for _ in 0..<10 { group.addTask { try await store.takeTurn(of: "c", for: .seconds(100)) } }
            return try await group.reduce(into: 0) { $0 += $1 == nil ? 1 : 0 }
        }
        #expect(firsts == 1)
    }

    private static func rowsComeBack(_ store: any AgingCacheStore) async throws {
        #expect(try await store.random(5, of: "a") == nil)
        let given = rows(0..<1_000)
        try await store.replace(given, of: "a", life: .seconds(100))
        let all = try #require(try await store.random(2_000, of: "a"))
        #expect(Set(all.rows) == Set(given) && all.rows.count == 1_000)
        #expect(all.age < .seconds(100))
        let some = try #require(try await store.random(7, of: "a"))
        #expect(Set(some.rows).count == 7 && Set(some.rows).isSubset(of: given))
        let state = try await store.state(of: "a")
        #expect(state.rows == 1_000 && state.bytes > 10_000 && state.refreshedAt != nil)
    }

    private static func rowsAreReplaced(_ store: any AgingCacheStore) async throws {
        try await store.replace(rows(0..<10), of: "a", life: .seconds(100))
        try await store.replace(rows(8..<12), of: "a", life: .seconds(100))
        #expect(try await Set(store.random(100, of: "a")?.rows ?? []) == Set(rows(8..<12)))
        try await store.replace([], of: "a", life: .seconds(100))
        #expect(try await store.random(1, of: "a") == nil)
        #expect(try await store.state(of: "a").refreshedAt == nil)
    }

    private static func clears(_ store: any AgingCacheStore) async throws {
        try await store.replace(rows(0..<3), of: "a", life: .seconds(100))
        _ = try await store.takeTurn(of: "a", for: .seconds(100))
        try await store.clear("a")
        #expect(try await store.random(1, of: "a") == nil)
        #expect(try await store.takeTurn(of: "a", for: .seconds(100)) == nil)
    }
}
