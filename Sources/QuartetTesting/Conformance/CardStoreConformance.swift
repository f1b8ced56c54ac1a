package import QuartetCore
import Testing

/// What every ``CardStore`` does.
package enum CardStoreConformance {
    package static let behaviours: [Conformance<any CardStore>] = [
        Conformance("the first card of an ordinal stays", firstWriteWins),
        Conformance("cards come back exactly", roundTrip),
        Conformance("pages are in ordinal order and go on behind an ordinal", pages),
        Conformance("counts are per request", counts),
        Conformance("a card is removed as long as it is of the same review", removal),
        Conformance("attempts that write at the same time store each card once", concurrentInserts),
    ]

    private static func firstWriteWins(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let first = makeCard(id, 0, seed: 1)
        #expect(try await store.insert([first]).isNew == [true])
        let batch = [
            makeCard(id, 2, seed: 2), makeCard(id, 0, seed: 3), makeCard(id, 1, seed: 4), makeCard(id, 2, seed: 5),
        ]
        #expect(try await store.insert(batch).isNew == [true, false, true, false])
        #expect(try await store.cards(of: id, after: nil, limit: 10) == [first, batch[2], batch[0]])
        #expect(try await store.insert([]).isNew.isEmpty)
    }

    private static func roundTrip(_ store: any CardStore) async throws {
        let id = RequestID.make()
        var cards = (0..<3000).map { makeCard(id, $0, seed: $0) }
        cards.append(
            EmotionCard(
                requestID: id, ordinal: 3000, reviewID: "e\u{301}$.",
                reading: EmotionReading(
                    emotion: .neutral, scores: EmotionScores(), polarity: Fraction(-1),
                    keywords: ["배송", "\"\\", "e\u{301}"], excerpt: "👍🏽\u{0}\n")))
        #expect(try await store.insert(cards).isNew.allSatisfy(\.self))
        var read: [EmotionCard] = []
        while true {
            let page = try await store.cards(of: id, after: read.last?.ordinal, limit: 700)
            read += page
            guard page.count == 700 else { break }
        }
        #expect(read == cards)
        #expect(CardDigest(of: read) == CardDigest(of: cards))
    }

    private static func pages(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let ordinals = [0, 1, 2, 9, 10, 11, 256, 65_536, 99_999]
        let cards = ordinals.map { makeCard(id, $0, seed: $0) }
        _ = try await store.insert(cards.shuffled() + [makeCard(.make(), 5, seed: 0)])
        #expect(try await store.cards(of: id, after: nil, limit: 4) == Array(cards[..<4]))
        #expect(try await store.cards(of: id, after: 9, limit: 3) == Array(cards[4..<7]))
        #expect(try await store.cards(of: id, after: 12, limit: 100) == Array(cards[6...]))
        #expect(try await store.cards(of: id, after: 99_999, limit: 1).isEmpty)
        #expect(try await store.cards(of: id, after: -1, limit: 1) == [cards[0]])
        #expect(try await store.cards(of: .make(), after: nil, limit: 1).isEmpty)
    }

    private static func counts(_ store: any CardStore) async throws {
        let ids = (0..<3).map { _ in RequestID.make() }
        _ = try await store.insert((0..<7).map { makeCard(ids[0], $0, seed: $0) })
        _ = try await store.insert((0..<2).map { makeCard(ids[2], $0 * 1000, seed: $0) })
        #expect(try await store.counts(ids) == [7, 0, 2])
        #expect(try await store.counts([ids[2], ids[0], ids[2]]) == [2, 7, 2])
        #expect(try await store.counts([]).isEmpty)
    }

    private static func removal(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let cards = (0..<4).map { makeCard(id, $0, seed: $0) }
        _ = try await store.insert(cards)
        let other = EmotionCard(requestID: id, ordinal: 2, reviewID: "another", reading: cards[2].reading)
        try await store.remove([cards[1], other, makeCard(.make(), 3, seed: 3)])
        try await store.remove([])
        #expect(try await store.cards(of: id, after: nil, limit: 9) == [cards[0], cards[2], cards[3]])
    }

    private static func concurrentInserts(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let stored = try await withThrowingTaskGroup(of: [EmotionCard].self) { group in
            for attempt in 0..<4 {
                group.addTask {
                    let cards = (0..<200).map { makeCard(id, $0, seed: $0 + attempt * 1000) }.shuffled()
                    let isNew = try await store.insert(cards).isNew
                    return zip(cards, isNew).filter(\.1).map(\.0)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(stored.count == 200)
        #expect(try await store.cards(of: id, after: nil, limit: 300) == stored.sorted { $0.ordinal < $1.ordinal })
    }

    private static func makeCard(_ id: RequestID, _ ordinal: Int, seed: Int) -> EmotionCard {
        var scores = EmotionScores()
        for emotion in Emotion.allCases {
            scores[emotion] = Fraction(tenThousandths: Int32((seed &* 7919 &+ emotion.index &* 1301) % 10_001))
        }
        let reading = EmotionReading(
            emotion: scores.strongest, scores: scores,
            polarity: Fraction(tenThousandths: Int32((seed &* 6151) % 20_001 - 10_000)),
            keywords: (0..<seed % 4).map { "word\(seed)-\($0)" }, excerpt: seed.isMultiple(of: 5) ? "" : "text \(seed)")
        return EmotionCard(requestID: id, ordinal: ordinal, reviewID: "r\(ordinal)", reading: reading)
    }
}

extension CardDigest {
    fileprivate init(of cards: [EmotionCard]) {
        self = .empty
        for card in cards { add(card) }
    }
}
