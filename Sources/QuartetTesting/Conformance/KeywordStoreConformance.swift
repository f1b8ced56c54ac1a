package import QuartetCore
import Testing

/// What every ``KeywordStore`` does.
package enum KeywordStoreConformance {
    package static let behaviours: [Conformance<any KeywordStore>] = [
        Conformance("the first details of a request stay", firstInsertWins),
        Conformance("replacing puts later details in their place", replacing),
        Conformance("details come back exactly", roundTrip),
        Conformance("attempts that write at the same time leave one of theirs", concurrentWrites),
    ]

    private static func firstInsertWins(_ store: any KeywordStore) async throws {
        let first = try makeDetails(seed: 1)
        #expect(try await store.insert([first]) == [true])
        let later = try makeDetails(first.requestID, seed: 2)
        let other = try makeDetails(seed: 3)
        #expect(try await store.insert([later, other, later]) == [false, true, false])
        #expect(try await store.details([other.requestID, .make(), first.requestID]) == [other, nil, first])
        #expect(try await store.insert([]).isEmpty)
        #expect(try await store.details([]).isEmpty)
    }

    private static func replacing(_ store: any KeywordStore) async throws {
        let first = try makeDetails(seed: 4)
        _ = try await store.insert([first])
        let later = try makeDetails(first.requestID, seed: 9)
        let new = try makeDetails(seed: 5)
        for _ in 0..<2 {
            try await store.replace([later, new])
            #expect(try await store.details([first.requestID, new.requestID]) == [later, new])
        }
        #expect(try await store.insert([first]) == [false])
        try await store.replace([])
        #expect(try await store.details([first.requestID]) == [later])
    }

    private static func roundTrip(_ store: any KeywordStore) async throws {
        let odd = KeywordDetails(
            requestID: .make(), productID: try #require(ProductID("p:1")),
            analyzer: AnalyzerIdentity(name: "model", version: "0f"), cardCount: 100_000,
            digest: CardDigest(high: .max, low: 1),
            keywords: [
                KeywordDetails.Keyword(
                    term: "e\u{301}$.\u{0}", count: 3, positive: 1, negative: 1,
                    polarity: Fraction(tenThousandths: -1), best: [99_999, 0, 7], worst: []),
                KeywordDetails.Keyword(
                    term: "배송", count: 1, positive: 0, negative: 0, polarity: Fraction(1), best: [], worst: [5]),
            ])
        let none = try makeDetails(seed: 0)
        let many = try (0..<300).map { try makeDetails(seed: $0 % 50) }
        _ = try await store.insert([odd, none] + many)
        #expect(try await store.details([none.requestID, odd.requestID]) == [none, odd])
        #expect(try await store.details(many.map(\.requestID)) == many)
    }

    private static func concurrentWrites(_ store: any KeywordStore) async throws {
        let id = RequestID.make()
        let candidates = try (0..<8).map { try makeDetails(id, seed: $0) }
        let stored = try await withThrowingTaskGroup(of: KeywordDetails?.self) { group in
            for candidate in candidates {
                group.addTask { try await store.insert([candidate]) == [true] ? candidate : nil }
            }
            return try await group.reduce(into: [KeywordDetails?]()) { if let winner = $1 { $0.append(winner) } }
        }
        #expect(stored.count == 1)
        #expect(try await store.details([id]) == stored)
    }

    private static func makeDetails(_ id: RequestID = .make(), seed: Int) throws -> KeywordDetails {
        KeywordDetails(
            requestID: id, productID: try #require(ProductID("p:\(seed)")),
            analyzer: AnalyzerIdentity(name: "model", version: "\(seed)"), cardCount: seed,
            digest: CardDigest(high: UInt64(seed), low: ~UInt64(seed)),
            keywords: (0..<seed).map { index in
                KeywordDetails.Keyword(
                    term: "word\(index)", count: index + 2, positive: index, negative: 1,
                    polarity: Fraction(tenThousandths: Int32(index * 37 - 900)), best: FewOrdinals(0..<min(index, 3)),
                    worst: [index])
            },
            aspects: (0..<seed).map { index in
                AspectSummary(
                    term: "배송\(index)", category: AspectCategory.allCases[index % 8], count: index + 2, positive: index,
                    negative: 1, polarity: Fraction(tenThousandths: Int32(index * 37 - 900)),
                    praise: index.isMultiple(of: 2) ? nil : .init(text: "총알배송", cards: [index, 1]),
                    complaint: index.isMultiple(of: 3) ? nil : .init(text: "", cards: []))
            })
    }
}
