package import QuartetCore
import Testing

/// What every ``SessionStore`` does.
package enum SessionStoreConformance {
    package static let behaviours: [Conformance<any SessionStore>] = [
        Conformance("the first session of a request stays", firstPinWins),
        Conformance("sessions come back as they were pinned", roundTrip),
        Conformance("a session that is pinned again is durable", pinnedAgain),
        Conformance("attempts that pin at the same time agree", concurrentPinsAgree),
    ]

    private static func firstPinWins(_ store: any SessionStore) async throws {
        let first = try makeSession(["a", "b"])
        #expect(try await store.pin([first]).map(\.session) == [first])
        let other = try makeSession(["c"])
        let later = try makeSession(["x", "y", "z"], of: first.requestID, analyzer: "later")
        #expect(try await store.pin([later, other]).map(\.session) == [first, other])
        #expect(try await store.pin([]).isEmpty)
        _ = try await store.pin([other])
        #expect(try await store.sessions([other.requestID, .make(), first.requestID]) == [other, nil, first])
        #expect(try await store.sessions([]).isEmpty)
    }

    private static func roundTrip(_ store: any SessionStore) async throws {
        let long = try makeSession((0..<20_000).map { "review-\($0)" }.shuffled())
        let odd = try makeSession(["e\u{301}", "\u{E9}", "\u{0}", "한글", "$id", "a.b"])
        #expect(try await store.pin([long, odd]).map(\.session) == [long, odd])
        // Pinned again they are durable, and found.
        #expect(try await store.pin([long, odd]).map(\.session) == [long, odd])
        let read = try await store.sessions([long.requestID, odd.requestID])
        #expect(read == [long, odd])
        // Swift takes differently composed strings for equal; a manifest must keep their bytes.
        #expect(read[1]?.manifest.map { Array($0.utf8) } == odd.manifest.map { Array($0.utf8) })
    }

    private static func pinnedAgain(_ store: any SessionStore) async throws {
        let session = try makeSession(["a"])
        let first = try await store.pin([session, try makeSession(["b"])])
        #expect(first[0].term != nil && first[0].term == first[1].term)
        #expect(try await store.pin([session]) == [PinnedSession(session: session, term: nil)])
    }

    private static func concurrentPinsAgree(_ store: any SessionStore) async throws {
        let id = RequestID.make()
        let candidates = try (0..<8).map { try makeSession(["r\($0)"], of: id) }
        let winners = try await withThrowingTaskGroup(of: AnalysisSession.self) { group in
            for candidate in candidates {
                group.addTask { try #require(try await store.pin([candidate]).first).session }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(winners.count == 1)
        #expect(winners.isSubset(of: candidates))
        _ = try await store.pin([candidates[0]])
        #expect(try await store.sessions([id]).first == winners.first)
    }

    private static func makeSession(
        _ manifest: [String], of id: RequestID = .make(), analyzer: String = "lexicon"
    ) throws -> AnalysisSession {
        AnalysisSession(
            requestID: id, productID: try #require(ProductID("p:1")), manifest: manifest,
            analyzer: AnalyzerIdentity(name: analyzer, version: "2.1"))
    }
}
