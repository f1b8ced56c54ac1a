import QuartetCore
import QuartetRoles
import QuartetTesting
import Testing

/// Writers of one request's cards in any interleaving: they crash, lose answers, write late and begin anew. What is stored
/// stays one chain.
@Suite struct CardChainTests {
    private static let id = RequestID.make()
    private static let count = 24

    /// A worker's attempt as far as cards go, one store operation at a time.
    private struct Writer {
        let name: Int
        var missing: Ordinals?
        /// Sent, and not yet where it is stored.
        var onItsWay: CardSegment?

        mutating func read(_ store: FakeCardStore) async throws {
            var missing = Ordinals(count: count)
            try await store.forEachSegment(of: id, cardsPerRead: Int.random(in: 1...30)) {
                for card in $0.cards { missing.remove(card.ordinal) }
            }
            self.missing = missing
        }

        mutating func send() {
            guard let run = missing?.popRun(max: Int.random(in: 1...9)), !run.isEmpty else { return }
            onItsWay = CardSegment(run.map { card($0, of: name) })
        }
    }

    private static func card(_ ordinal: Int, of writer: Int) -> EmotionCard {
        EmotionCard(
            requestID: id, ordinal: ordinal, reviewID: "r-\(ordinal)",
            reading: EmotionReading(
                emotion: .joy, scores: EmotionScores(), polarity: Fraction(0), keywords: ["w-\(writer)"], excerpt: ""))
    }

    private func visible(_ store: FakeCardStore) async throws -> [Int: EmotionCard] {
        let cards = try await store.cards(of: Self.id, after: nil, limit: .max)
        return Dictionary(grouping: cards, by: \.ordinal).mapValues { cards in
            #expect(cards.count == 1)
            return cards[0]
        }
    }

    /// One step of one of the writers, or of a write that was given up.
    private func step(
        _ writers: inout [Writer], _ late: inout [CardSegment], _ store: FakeCardStore
    ) async throws {
        if !late.isEmpty, Int.random(in: 0..<6) == 0 {
            _ = try await store.insert([late.remove(at: Int.random(in: late.indices))])
            return
        }
        let index = Int.random(in: writers.indices)
        guard let segment = writers[index].onItsWay else {
            if writers[index].missing == nil { return try await writers[index].read(store) }
            return writers[index].send()
        }
        switch Int.random(in: 0..<6) {
        case 0:
            // It crashes, and what it sent arrives at some time, or never.
            if Bool.random() { late.append(segment) }
            writers[index] = Writer(name: writers.count)
            writers.append(Writer(name: writers.count + 1))
        case 1:
            // The answer is lost: it reads again.
            if Bool.random() { _ = try await store.insert([segment]) } else { late.append(segment) }
            writers[index].onItsWay = nil
            writers[index].missing = nil
        default:
            let isNew = try await store.insert([segment]).isNew[0]
            writers[index].onItsWay = nil
            if !isNew { writers[index].missing = nil }
        }
    }

    private func finish(_ store: FakeCardStore) async throws {
        var last = Writer(name: -1)
        try await last.read(store)
        while last.missing?.isEmpty == false {
            last.send()
            if let segment = last.onItsWay.take() { #expect(try await store.insert([segment]).isNew == [true]) }
        }
    }

    @Test(.ownThread) func segmentsAreOneChainWhoeverCrashesOrComesLate() async throws {
        for _ in 0..<1_000 {
            let store = FakeCardStore()
            var writers = (0..<Int.random(in: 1...4)).map { Writer(name: $0) }
            var late: [CardSegment] = []
            var seen: [Int: EmotionCard] = [:]
            for _ in 0..<Int.random(in: 1...120) {
                try await step(&writers, &late, store)
                let visible = try await visible(store)
                for (ordinal, card) in seen { #expect(visible[ordinal] == card, "a stored card changed") }
                seen = visible
                let segments = try await store.segments(of: Self.id, after: nil, limit: .max)
                #expect(segments.map(\.first) == [0] + segments.map(\.end).dropLast() || segments.isEmpty)
                #expect(segments.reduce(0) { $0 + $1.cards.count } == (try await store.counts([Self.id])[0]))
            }
            try await finish(store)
            for segment in late { #expect(try await store.insert([segment]).isNew == [false]) }
            #expect(try await visible(store).count == Self.count)
        }
    }

    /// What somebody removes by hand is filled by the next attempt, and a write from before the removal changes no card
    /// that lies behind it.
    @Test func aGapIsFilledAndWhatLiesBehindItStays() async throws {
        for _ in 0..<1_000 {
            let store = FakeCardStore()
            var late: [CardSegment] = []
            var writer = Writer(name: 0)
            try await writer.read(store)
            while writer.missing?.isEmpty == false {
                writer.send()
                guard let segment = writer.onItsWay.take() else { break }
                // Another one had read the same chain, and its write takes long.
                var other = Writer(name: 1)
                try await other.read(store)
                other.send()
                if let slow = other.onItsWay { late.append(slow) }
                _ = try await store.insert([segment])
            }
            let segments = try await store.segments(of: Self.id, after: nil, limit: .max)
            let removed = try #require(segments.randomElement())
            try await store.replace([(stored: removed, by: nil)])
            let behind = try await visible(store).filter { $0.key >= removed.end }
            for segment in late.shuffled() {
                _ = try await store.insert([segment])
                let visible = try await visible(store)
                for (ordinal, card) in behind { #expect(visible[ordinal] == card) }
            }
            try await finish(store)
            #expect(try await visible(store).count == Self.count)
        }
    }

    /// Those that are read before it is known how many there are come first; the rest is stored in as few segments as may be.
    @Test func eachReviewIsAnalysedOnce() async throws {
        var system = FakeSystem()
        system.configuration.reviewsPerChunk = 200
        try await system.addReviews(300)
        let id = try await system.submit()
        _ = try await system.worker().runOnce()
        #expect(system.analyzer.reviewsRead == (0..<300).map { "r-\(1000 + $0)" })
        let segments = try await system.cards.segments(of: id, after: nil, limit: .max)
        #expect(segments.map(\.cards.count) == [50, 200, 50])
    }

    /// An analyser that takes its time has each card go out by itself.
    @Test func aSlowAnalysersCardsAreStoredOneByOne() async throws {
        var system = FakeSystem()
        system.configuration.timePerSegment = .zero
        try await system.addReviews(5)
        let id = try await system.submit()
        _ = try await system.worker().runOnce()
        let segments = try await system.cards.segments(of: id, after: nil, limit: .max)
        #expect(segments.map(\.cards.count) == [1, 1, 1, 1, 1])
    }
}
