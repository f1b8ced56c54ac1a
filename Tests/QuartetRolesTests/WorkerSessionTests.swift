import QuartetCore
import QuartetRoles
import QuartetTesting
import Testing

/// Sessions that a failover may take, and tasks that can't be read.
@Suite struct WorkerSessionTests {
    /// The second failover takes what was pinned again after the first one, unless that was made to stay.
    @Test func aSessionOutlivesTwoFailovers() async throws {
        var system = FakeSystem()
        system.configuration.reviewsPerChunk = 3
        try await system.addReviews(12)
        let id = try await system.submit()
        let primary = system.primary
        primary.beforeNextDurableWrite {
            primary.failOver()
            primary.beforeNextDurableWrite { primary.failOver() }
        }
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
        #expect(try await system.sessions.sessions([id])[0]?.manifest == (0..<12).map { "r-\(1000 + $0)" })
        #expect(try await system.storedCards(id).count == 12)
    }

    /// No card is written then whose answer could tell whether the session stayed.
    @Test func aSessionPinnedBesideAllItsCardsStays() async throws {
        let system = FakeSystem()
        try await system.addReviews(2)
        let id = try await system.submit()
        _ = try await system.queue.claim(limit: 1, worker: "one that dies", leaseDuration: .seconds(1))
        let cards = (0..<2).map { ordinal in
            EmotionCard(
                requestID: id, ordinal: ordinal, reviewID: "r-\(1000 + ordinal)",
                reading: EmotionReading(
                    emotion: .joy, scores: EmotionScores(), polarity: Fraction(0.9), keywords: [], excerpt: ""))
        }
        _ = try await system.cards.insert([CardSegment(cards)])
        system.clock.advance(by: .seconds(2))
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
        system.primary.failOver()
        #expect(try await system.sessions.sessions([id])[0] != nil)
    }

    /// Its request fails, with what is wrong; those beside it go on.
    @Test func aTaskThatCannotBeReadIsPutAsideAlone() async throws {
        let system = FakeSystem()
        try await system.addReviews(2)
        let ids = [try await system.submit(), try await system.submit(), try await system.submit()]
        system.queue.spoil(ids[1], "product_id is missing")
        _ = try await system.worker().runOnce()
        for id in [ids[0], ids[2]] { #expect(try await system.request(id)?.status == .completed) }
        let failed = try #require(try await system.request(ids[1]))
        #expect(failed.status == .failed && failed.failure?.contains("product_id is missing") == true)
        #expect(try await system.queue.dead([ids[1]])[0]?.error.contains("product_id is missing") == true)
    }
}
