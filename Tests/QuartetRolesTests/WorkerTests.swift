import Foundation
import QuartetCore
import QuartetRoles
import QuartetTesting
import Synchronization
import Testing

@Suite struct WorkerTests {
    @Test func aRequestIsAnalysedToItsResult() async throws {
        let system = FakeSystem()
        try await system.addReviews(10)
        let id = try await system.submit()
        #expect(try await system.worker().runOnce() == 1)

        #expect(try await system.request(id)?.status == .completed)
        let cards = try await system.storedCards(id)
        #expect(cards.map(\.ordinal) == Array(0..<10))
        #expect(cards.map(\.reviewID) == (0..<10).map { "r-\(1000 + $0)" })
        let session = try #require(try await system.sessions.sessions([id])[0])
        let stored = try #require(try await system.requests.results([id])[0])
        #expect(stored.json == Fold.result(of: cards, session: session).json)
        let details = Fold(session: session).adding(cards).keywordDetails()
        #expect(!details.keywords.isEmpty)
        #expect(try await system.keywords.details([id]) == [details])
        #expect(try await system.queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
        #expect(
            try await system.progress.read([id])[0] == Progress(requestID: id, done: 10, total: 10, phase: .completed))
    }

    @Test func anAttemptGoesOnFromStoredCards() async throws {
        let system = FakeSystem()
        try await system.addReviews(10)
        let id = try await system.submit()
        system.cards.failNext(.insert, with: Away())
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .queued)

        // The second attempt stores a chunk, then the store goes away again.
        system.clock.advance(by: .seconds(120))
        system.analyzer.fail("r-1005")
        _ = try await system.worker().runOnce()
        #expect(try await system.storedCards(id).map(\.ordinal) == Array(0..<4))

        system.clock.advance(by: .seconds(120))
        system.analyzer.heal()
        let before = system.analyzer.reviewsRead.count
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
        #expect(system.analyzer.reviewsRead.count - before == 6)
        #expect(try await system.storedCards(id).count == 10)
    }

    @Test func aStoreThatIsAwayCostsNoAttempt() async throws {
        let system = FakeSystem()
        try await system.addReviews(2)
        let id = try await system.submit()
        for _ in 0..<6 {
            system.sessions.failNext(.pin, with: Away())
            _ = try await system.worker().runOnce()
            system.clock.advance(by: .seconds(120))
        }
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
    }

    @Test func theLastFailedAttemptFailsTheRequestAndSparesItsNeighbours() async throws {
        let system = FakeSystem()
        try await system.addReviews(3)
        let other = ProductID("p-2")!
        _ = try await FakeProductStore(database: system.database).put([(other, "another")])
        _ = try await system.reviews.add([Review(id: "fine", text: "fine")], to: other)
        let poisoned = try await system.submit()
        let neighbour = RequestID.make()
        _ = try await system.requests.submit([Submission(id: neighbour, productID: other)])
        _ = try await system.submit()
        system.analyzer.fail("r-1001")

        for _ in 0..<3 {
            _ = try await system.worker().runOnce()
            system.clock.advance(by: .seconds(120))
        }
        let request = try #require(try await system.request(poisoned))
        #expect(request.status == .failed)
        #expect(request.failure == "review r-1001: can't read this")
        #expect(try await system.request(neighbour)?.status == .completed)
        #expect(try await system.queue.depth().dead == 2)
        #expect(try await system.requests.results([poisoned])[0] == nil)
    }

    @Test func aTaskThatKilledItsWorkersIsNotRunAgain() async throws {
        let system = FakeSystem()
        try await system.addReviews(3)
        let id = try await system.submit()
        for _ in 0..<3 {
            let claims = try await system.queue.claim(limit: 1, worker: "dead", leaseDuration: .seconds(10))
            #expect(claims.count == 1)
            system.clock.advance(by: .seconds(11))
        }
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .failed)
        #expect(system.analyzer.reviewsRead.isEmpty)
        #expect(try await system.queue.depth().dead == 1)
    }

    @Test func tasksWhoseWorkersDiedAreWorkedOnAloneWithoutLosingAttempts() async throws {
        var system = FakeSystem()
        system.configuration.attemptsMax = 5
        try await system.addReviews(3)
        let ids = [try await system.submit(), try await system.submit(), try await system.submit()]
        for _ in 0..<3 {
            #expect(try await system.queue.claim(limit: 9, worker: "w", leaseDuration: .seconds(10)).count == 3)
            system.clock.advance(by: .seconds(11))
        }
        // How many are read at once, and with which attempt.
        let present = Mutex((now: 0, most: 0))
        let queue = system.queue
        system.analyzer.before { review in
            guard review == "r-1000" else { return }
            present.withLock { present in
                present.now += 1
                present.most = max(present.most, present.now)
            }
            await Task.yield()
            for id in ids { #expect(queue.contents(of: id)?.attempt ?? 4 <= 4) }
            present.withLock { $0.now -= 1 }
        }
        let worker = system.worker()
        let work = Task { try await worker.run() }
        while try await system.requests.requests(ids).contains(where: { $0?.status == .queued }) { await Task.yield() }
        work.cancel()
        _ = try? await work.value
        #expect(try await system.requests.requests(ids).allSatisfy { $0?.status == .completed })
        #expect(present.withLock { $0.most } == 1)
    }

    @Test func aProductWithoutReviewsFailsAtOnce() async throws {
        let system = FakeSystem()
        try await system.addReviews(0)
        let id = try await system.submit()
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.failure == "product p-1 has no reviews")
    }

    @Test func everyAttemptWorksFromTheFirstManifest() async throws {
        let system = FakeSystem()
        try await system.addReviews(6)
        let id = try await system.submit()
        system.cards.failNext(.insert, with: Away())
        _ = try await system.worker().runOnce()
        _ = try await system.reviews.add(
            [Review(id: "a-first", text: "later"), Review(id: "z", text: "later")], to: system.product)
        system.clock.advance(by: .seconds(120))
        _ = try await system.worker().runOnce()
        #expect(try await system.storedCards(id).map(\.reviewID) == (0..<6).map { "r-\(1000 + $0)" })
    }

    @Test func aZombiesCardsDoNotReplaceThoseThatAreStored() async throws {
        let system = FakeSystem()
        try await system.addReviews(4)
        let id = try await system.submit()
        // Another attempt stored these ordinals, one with another reading, while this one was on its way.
        var scores = EmotionScores()
        scores[.fear] = Fraction(0.7)
        let earlier = EmotionCard(
            requestID: id, ordinal: 2, reviewID: "r-1002",
            reading: EmotionReading(
                emotion: .fear, scores: scores, polarity: Fraction(-0.4), keywords: [], excerpt: "earlier"))
        let same = (0..<2).map { ordinal in
            EmotionCard(requestID: id, ordinal: ordinal, reviewID: "r-\(1000 + ordinal)", reading: earlier.reading)
        }
        _ = try await system.cards.insert([CardSegment(same + [earlier])])
        _ = try await system.worker().runOnce()
        let cards = try await system.storedCards(id)
        #expect(cards[2] == earlier)
        let session = try #require(try await system.sessions.sessions([id])[0])
        #expect(try await system.requests.results([id])[0]?.json == Fold.result(of: cards, session: session).json)
    }

    /// The bell for a task has its reviews read while it is claimed; only a task that had its own bell is worked on so.
    @Test func reviewsReadAheadAreOfTheTaskThatRang() async throws {
        let system = FakeSystem()
        try await system.addReviews(3)
        let worker = system.worker()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            for count in 1...3 {
                _ = try await system.reviews.add([Review(id: "later-\(count)", text: "later")], to: system.product)
                let id = try await system.submit()
                for await told in system.progress.reports(of: id) {
                    // Nil says to look: it may be over by then.
                    var known = told
                    if known == nil { known = try await system.progress.read([id])[0] }
                    if known?.phase == .completed { break }
                }
                #expect(try await system.storedCards(id).count == 3 + count)
            }
            group.cancelAll()
        }
    }

    @Test func aSessionLostInAFailoverIsPinnedAgain() async throws {
        let system = FakeSystem()
        try await system.addReviews(6)
        let id = try await system.submit()
        system.primary.beforeNextDurableWrite { system.primary.failOver() }
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
        #expect(try await system.sessions.sessions([id])[0]?.manifest == (0..<6).map { "r-\(1000 + $0)" })
        #expect(try await system.storedCards(id).count == 6)
    }

    /// Whoever pins first after the failover has the word, and cards of the lost session give way to its cards.
    @Test(arguments: [["r-1003", "r-1000"], ["r-1001", "r-1000", "r-1002", "r-1003", "r-1005", "r-1004"]])
    func cardsOfALostSessionGiveWay(manifest: [String]) async throws {
        let system = FakeSystem()
        try await system.addReviews(6)
        let id = try await system.submit()
        let other = AnalysisSession(
            requestID: id, productID: system.product, manifest: manifest, analyzer: system.analyzer.identity)
        system.primary.beforeNextDurableWrite {
            system.primary.failOver()
            system.sessions.put(other)
        }
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
        let cards = try await system.storedCards(id)
        #expect(cards.map(\.reviewID) == manifest)
        #expect(try await system.requests.results([id])[0]?.json == Fold.result(of: cards, session: other).json)
    }

    /// The details of a request are of the cards that stayed, whatever an attempt stored before it knew.
    @Test(arguments: [false, true])
    func keywordDetailsAreOfTheStoredCards(areWrongBefore: Bool) async throws {
        let system = FakeSystem()
        try await system.addReviews(6)
        let id = try await system.submit()
        let empty = Fold(
            session: AnalysisSession(
                requestID: id, productID: system.product, manifest: [], analyzer: system.analyzer.identity))
        if areWrongBefore {
            _ = try await system.keywords.insert([empty.keywordDetails()])
        } else {
            system.keywords.failNext(.insert, with: Away(), tookEffect: true)
        }
        let other = EmotionCard(
            requestID: id, ordinal: 5, reviewID: "r-1005",
            reading: EmotionReading(
                emotion: .joy, scores: EmotionScores(), polarity: Fraction(0.9), keywords: ["earlier"], excerpt: ""))
        let before = EmotionCard(requestID: id, ordinal: 4, reviewID: "r-1004", reading: other.reading)
        _ = try await system.cards.insert([CardSegment([before, other])])
        _ = try await system.worker().runOnce()
        system.clock.advance(by: .seconds(120))
        _ = try await system.worker().runOnce()

        #expect(try await system.request(id)?.status == .completed)
        let session = try #require(try await system.sessions.sessions([id])[0])
        let details = Fold(session: session).adding(try await system.storedCards(id)).keywordDetails()
        #expect(details.keywords.contains { $0.term == "earlier" })
        #expect(try await system.keywords.details([id]) == [details])
    }

    @Test func aRequestIsNotCompletedWithoutItsKeywordDetails() async throws {
        let system = FakeSystem()
        try await system.addReviews(2)
        let id = try await system.submit()
        system.keywords.failNext(.insert, with: Away())
        system.keywords.failNext(.replace, with: Away())
        for _ in 0..<2 {
            _ = try await system.worker().runOnce()
            #expect(try await system.request(id)?.status == .queued)
            system.clock.advance(by: .seconds(120))
        }
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
        #expect(try await system.keywords.details([id])[0] != nil)
    }

    @Test func aLostAcknowledgementCostsOneHarmlessClaim() async throws {
        let system = FakeSystem()
        try await system.addReviews(3)
        let id = try await system.submit()
        system.queue.failNext(.acknowledge, with: Away())
        _ = try await system.worker().runOnce()
        let first = try await system.requests.results([id])[0]
        system.clock.advance(by: .seconds(120))
        #expect(try await system.worker().runOnce() == 1)
        #expect(try await system.requests.results([id])[0] == first)
        #expect(try await system.queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
    }

    /// As many workers as there are threads for tasks: if each of them spun, nobody else would come to run.
    @Test func aCancelledWorkerWaitsForItsAttemptsWithoutSpinning() async throws {
        var system = FakeSystem()
        system.configuration.tasksMax = 1
        system.configuration.drainTimeout = .seconds(30)
        try await system.addReviews(1)
        let count = ProcessInfo.processInfo.activeProcessorCount
        for _ in 0..<count { _ = try await system.submit() }
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let goOn = Signal()
        system.analyzer.before { _ in
            arrived.yield()
            // Whatever happens around it.
            await goOn.wait()
        }
        let workers = (0..<count).map { number in
            let worker = system.worker("w-\(number)")
            return Task { try await worker.run() }
        }
        var held = 0
        for await _ in arrivals {
            held += 1
            if held == count { break }
        }
        let began = ContinuousClock.now
        for worker in workers { worker.cancel() }
        // Everyone who has something to do does it before this goes on.
        for _ in 0..<1000 { await Task.yield() }
        await goOn.raise()
        for worker in workers { _ = try? await worker.value }
        #expect(began.duration(to: .now) < .seconds(15))
    }

    @Test func aWorkerWhoseLeaseWasTakenOverStopsAndChangesNothing() async throws {
        let system = FakeSystem()
        try await system.addReviews(8)
        let id = try await system.submit()
        let arrived = Signal()
        let goOn = Signal()
        system.analyzer.before { review in
            guard review == "r-1004" else { return }
            await arrived.raise()
            await goOn.wait()
        }
        let zombie = Task { try await system.worker("zombie").runOnce() }
        await arrived.wait()
        system.clock.advance(by: .seconds(11))
        let claims = try await system.queue.claim(limit: 1, worker: "other", leaseDuration: .seconds(10))
        #expect(claims.first?.attempt == 2)
        await goOn.raise()
        _ = try await zombie.value
        // What the zombie finished stands, and the new owner's lease was not touched.
        #expect(try await system.queue.renew(claims.map(\.lease), leaseDuration: .seconds(10)) == [true])
        #expect(try await system.storedCards(id).count == 8)
    }
}

/// Raised once; whoever waits goes on.
actor Signal {
    private var isRaised = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func raise() {
        isRaised = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    func wait() async {
        if isRaised { return }
        await withCheckedContinuation { waiting.append($0) }
    }
}
