package import QuartetCore
import Testing

/// What every ``CardStore`` does.
package enum CardStoreConformance {
    package static let behaviours: [Conformance<any CardStore>] = [
        Conformance("the first segment of a key stays, as a whole", firstWriteWins),
        Conformance("cards come back exactly", roundTrip),
        Conformance("pages go on behind any ordinal, with whole segments", pages),
        Conformance("pages of many requests are read together, each to its end", pagesOfMany),
        Conformance("a segment counts up to where the next one begins", overlaps),
        Conformance("counts are per request", counts),
        Conformance("a segment is replaced as long as it is of the same reviews", replacement),
        Conformance("writers at the same time store one of their segments", concurrentInserts),
    ]

    private static func firstWriteWins(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let first = segment(id, 0..<2, seed: 1)
        #expect(try await store.insert([first]).isNew == [true])
        let batch = [
            segment(id, 2..<4, seed: 2), segment(id, 0..<9, seed: 3), segment(.make(), 0..<1, seed: 4),
            segment(id, 2..<3, seed: 5),
        ]
        #expect(try await store.insert(batch).isNew == [true, false, true, false])
        #expect(try await store.segments(of: id, after: nil, limit: 10) == [first, batch[0]])
        #expect(try await store.cards(of: id, after: nil, limit: 10) == first.cards + batch[0].cards)
        #expect(try await store.insert([]).isNew.isEmpty)
    }

    private static func roundTrip(_ store: any CardStore) async throws {
        let id = RequestID.make()
        var cards = (0..<3000).map { card(id, $0, seed: $0) }
        cards.append(
            EmotionCard(
                requestID: id, ordinal: 3000, reviewID: "e\u{301}$.", month: ReviewMonth(date: "2026-03-01"),
                reading: EmotionReading(
                    emotion: .neutral, scores: EmotionScores(), polarity: Fraction(-1),
                    keywords: ["배송", "\"\\", "e\u{301}"], excerpt: "👍🏽\u{0}\n", aspects: aspects)))
        let segments = CardSegment.runs(of: cards)
        #expect(segments.count > 10)
        #expect(try await store.insert(segments).isNew.allSatisfy(\.self))
        var read: [EmotionCard] = []
        while true {
            let page = try await store.cards(of: id, after: read.last?.ordinal, limit: 700)
            read += page
            guard page.count == 700 else { break }
        }
        #expect(read == cards)
        #expect(CardDigest(of: read) == CardDigest(of: cards))
        #expect(try await store.segments(of: id, after: nil, limit: .max) == segments)
    }

    private static let aspects = AspectCategory.allCases.map { category in
        Aspect(
            term: "배송\(category.rawValue)", opinion: "", polarity: Fraction(tenThousandths: -9_999), span: 3..<240,
            text: "e\u{301}\u{0}", category: category)
    }

    private static func pages(_ store: any CardStore) async throws {
        let id = RequestID.make()
        // Ones, larger ones, a gap, and one at the end of the longest manifest.
        var ranges = (0..<40).map { $0..<$0 + 1 } + [40..<60, 60..<61, 61..<100, 300..<320]
        ranges.append(99_990..<100_000)
        let segments = ranges.map { segment(id, $0, seed: $0.lowerBound) }
        let cards = segments.flatMap(\.cards)
        _ = try await store.insert(segments.shuffled() + [segment(.make(), 0..<5, seed: 0)])
        for after in [
            nil, -1, 0, 38, 39, 40, 45, 58, 59, 60, 98, 99, 100, 250, 299, 305, 319, 320, 99_989, 99_998, 99_999,
        ] {
            for limit in [1, 3, 50, 1000] {
                let expected = cards.filter { $0.ordinal > after ?? -1 }
                let page = try await store.segments(of: id, after: after, limit: limit)
                #expect(page == Array(segments.filter { $0.end > (after ?? -1) + 1 }.prefix(page.count)))
                #expect(page.reduce(0) { $0 + $1.cards.count } >= min(limit, expected.count))
                #expect(try await store.cards(of: id, after: after, limit: limit) == Array(expected.prefix(limit)))
            }
        }
        #expect(try await store.segments(of: .make(), after: nil, limit: 1).isEmpty)
        #expect(try await store.cards(of: .make(), after: 3, limit: 1).isEmpty)
    }

    /// As a late writer leaves it behind who read the chain before somebody removed a segment by hand.
    private static func pagesOfMany(_ store: any CardStore) async throws {
        let ids = (0..<6).map { _ in RequestID.make() }
        // One has far more than its part of a read, one begins behind a gap, one has nothing.
        let ranges: [[Range<Int>]] = [
            [0..<20], (0..<30).map { $0..<$0 + 1 }, [5..<9, 9..<12], [], [0..<3, 3..<4, 4..<90], [0..<1],
        ]
        let stored = zip(ids, ranges).map { id, ranges in ranges.map { segment(id, $0, seed: $0.lowerBound) } }
        _ = try await store.insert(stored.flatMap(\.self).shuffled())
        for start in [0, 1, 3, 5, 20, 29, 30] {
            var read = [[CardSegment]](repeating: [], count: ids.count)
            var left = Array(ids.indices)
            while !left.isEmpty {
                let places = left.map { CardPlace(ids[$0], read[$0].last?.end ?? start) }
                let pages = try await store.pages(places)
                try #require(pages.count == places.count)
                for (index, page) in zip(left, pages) {
                    if page.hasMore { try #require(!page.segments.isEmpty) }
                    read[index] += page.segments
                }
                left = zip(left, pages).filter(\.1.hasMore).map(\.0)
            }
            #expect(read == stored.map { $0.filter { $0.first >= start } })
        }
        let two = try await store.pages([CardPlace(ids[0], 20), CardPlace(ids[0], 0), CardPlace(ids[0], 0)])
        #expect(two.map(\.segments) == [[], stored[0], stored[0]])
        #expect(try await store.pages([]).isEmpty)
    }

    private static func overlaps(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let segments = [segment(id, 0..<10, seed: 0), segment(id, 10..<30, seed: 1), segment(id, 15..<40, seed: 2)]
        _ = try await store.insert(segments)
        let cards = segments[0].cards + segments[1].cards[..<5] + segments[2].cards
        #expect(try await store.segments(of: id, after: nil, limit: 100).map(\.cards.count) == [10, 5, 25])
        for after in [nil, 3, 9, 10, 14, 15, 20, 29, 30] {
            let expected = cards.filter { $0.ordinal > after ?? -1 }
            for limit in [1, 6, 100] {
                #expect(try await store.cards(of: id, after: after, limit: limit) == Array(expected.prefix(limit)))
            }
        }
    }

    private static func counts(_ store: any CardStore) async throws {
        let ids = (0..<3).map { _ in RequestID.make() }
        _ = try await store.insert([
            segment(ids[0], 0..<5, seed: 0), segment(ids[0], 5..<7, seed: 0), segment(ids[2], 1000..<1002, seed: 0),
        ])
        #expect(try await store.counts(ids) == [7, 0, 2])
        #expect(try await store.counts([ids[2], ids[0], ids[2]]) == [2, 7, 2])
        #expect(try await store.counts([]).isEmpty)
    }

    private static func replacement(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let segments = [segment(id, 0..<2, seed: 0), segment(id, 2..<4, seed: 0), segment(id, 4..<6, seed: 0)]
        _ = try await store.insert(segments)
        let others = [0..<2, 2..<3, 4..<6].map { segment(id, $0, seed: 7, review: "other") }
        try await store.replace([])
        for _ in 0..<2 {
            try await store.replace([(segments[1], by: others[1]), (segments[2], by: nil)])
            #expect(try await store.segments(of: id, after: nil, limit: 9) == [segments[0], others[1]])
            // Others had the same thought, from the same reading.
            try await store.replace([(segments[1], by: segments[1])])
        }
        try await store.replace([(others[0], by: others[0]), (segment(.make(), 0..<2, seed: 0), by: others[0])])
        #expect(try await store.segments(of: id, after: nil, limit: 9) == [segments[0], others[1]])
    }

    private static func concurrentInserts(_ store: any CardStore) async throws {
        let id = RequestID.make()
        let stored = try await withThrowingTaskGroup(of: CardSegment?.self) { group in
            for attempt in 0..<8 {
                group.addTask {
                    let own = segment(id, 0..<attempt + 1, seed: attempt * 1000)
                    return try await store.insert([own]).isNew[0] ? own : nil
                }
            }
            return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(stored.count == 1)
        #expect(try await store.segments(of: id, after: nil, limit: 300) == stored)
    }

    private static func segment(
        _ id: RequestID, _ ordinals: Range<Int>, seed: Int, review: String = "r"
    ) -> CardSegment {
        CardSegment(ordinals.map { card(id, $0, seed: $0 + seed, review: review) })
    }

    private static func card(_ id: RequestID, _ ordinal: Int, seed: Int, review: String = "r") -> EmotionCard {
        var scores = EmotionScores()
        for emotion in Emotion.allCases {
            scores[emotion] = Fraction(tenThousandths: Int32((seed &* 7919 &+ emotion.index &* 1301) % 10_001))
        }
        let reading = EmotionReading(
            emotion: scores.strongest, scores: scores,
            polarity: Fraction(tenThousandths: Int32((seed &* 6151) % 20_001 - 10_000)),
            keywords: (0..<seed % 4).map { "word\(seed)-\($0)" }, excerpt: seed.isMultiple(of: 5) ? "" : "text \(seed)")
        return EmotionCard(requestID: id, ordinal: ordinal, reviewID: "\(review)\(ordinal)", reading: reading)
    }
}

extension CardDigest {
    fileprivate init(of cards: [EmotionCard]) {
        self = .empty
        for card in cards { add(card) }
    }
}
