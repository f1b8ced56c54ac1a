import QuartetCore
import QuartetRoles
import QuartetTesting
import Synchronization
import Testing

/// What goes wrong around a worker, at moments that are hard to meet.
@Suite(.timeLimit(.minutes(5))) struct WorkerMishapTests {
    /// The write matches nothing, and when it is looked up why, the request is open again.
    @Test func aRequestThatIsReopenedWhileItIsFinalisedIsCompleted() async throws {
        let system = FakeSystem()
        try await system.addReviews(3)
        let id = try await system.submit()
        let requests = ReopenedOnce(system.requests)
        let ports = WorkerPorts(
            requests: requests, queue: system.queue, reviews: system.reviews, sessions: system.sessions,
            cards: system.cards, keywords: system.keywords, progress: system.progress, analyzer: system.analyzer)
        let worker = Worker(
            identity: "w", configuration: Live(system.configuration), ports: ports, logger: system.logger)
        #expect(try await worker.runOnce() == 1)
        #expect(try await system.request(id)?.status == .completed)
        #expect(try await system.queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
    }

    /// Outages of the store that has the queue too: nobody died, and it was no attempt's fault.
    @Test func aQueueThatIsAwayWithTheCardsUsesUpNoAttempt() async throws {
        var system = FakeSystem()
        system.configuration.attemptsMax = 2
        try await system.addReviews(3)
        let id = try await system.submit()
        let worker = system.worker()
        for _ in 0..<4 {
            system.cards.failNext(.insert, with: Away())
            for _ in 0..<2 { system.queue.failNext(.release, with: Away()) }
            #expect(try await worker.runOnce() == 1)
            // It is away for longer than the lease.
            system.clock.advance(by: .seconds(60))
            await #expect(throws: Away.self) { try await worker.runOnce() }
            #expect(try await worker.runOnce() == 0)
            system.clock.advance(by: .seconds(60))
        }
        #expect(try await worker.runOnce() == 1)
        #expect(try await system.request(id)?.status == .completed)
    }

    /// Tasks that may have killed their workers can't be put back; what was claimed with them is worked on, and they are
    /// when they have been.
    @Test func whatIsClaimedWithSuspectsGoesOnWhenTheyCannotBePutBack() async throws {
        var system = FakeSystem()
        system.configuration.attemptsMax = 9
        try await system.addReviews(2)
        let suspects = [try await system.submit(), try await system.submit()]
        for _ in 0..<2 {
            let claims = try await system.queue.claim(limit: 9, worker: "dead", leaseDuration: .seconds(10))
            #expect(claims.count == 2)
            system.clock.advance(by: .seconds(11))
        }
        let fresh = try await system.submit()
        system.queue.failNext(.release, with: Away())
        let worker = system.worker()
        let work = Task { try await worker.run() }
        defer { work.cancel() }
        while try await system.request(fresh)?.status != .completed { await Task.yield() }
        system.clock.advance(by: .seconds(11))
        for id in suspects {
            while try await system.request(id)?.status != .completed { await Task.yield() }
        }
    }
}

/// A store whose first `finalise` finds a request that was cancelled, and then asked for again.
private final class ReopenedOnce: RequestStore {
    private let store: any RequestStore
    private let hasReopened = Mutex(false)

    init(_ store: any RequestStore) {
        self.store = store
    }

    func finalise(_ finalisations: [Finalisation]) async throws -> [FinaliseOutcome] {
        let isFirst = hasReopened.withLock { hasReopened in
            defer { hasReopened = true }
            return !hasReopened
        }
        guard isFirst else { return try await store.finalise(finalisations) }
        return finalisations.map { _ in FinaliseOutcome(.alreadyClosed(.queued)) }
    }

    func submit(_ submissions: [Submission]) async throws -> [SubmitOutcome] { try await store.submit(submissions) }
    func requests(_ ids: [RequestID]) async throws -> [AnalysisRequest?] { try await store.requests(ids) }
    func fail(_ failures: [RequestFailure]) async throws -> [CloseOutcome] { try await store.fail(failures) }
    func cancel(_ ids: [RequestID]) async throws -> [ChangeOutcome] { try await store.cancel(ids) }
    func drop(_ ids: [RequestID]) async throws -> [ChangeOutcome] { try await store.drop(ids) }
    func retry(_ ids: [RequestID]) async throws -> [ChangeOutcome] { try await store.retry(ids) }
    func results(_ ids: [RequestID]) async throws -> [StoredResult?] { try await store.results(ids) }
    func latestResults(of products: [ProductID]) async throws -> [StoredResult?] {
        try await store.latestResults(of: products)
    }
}
