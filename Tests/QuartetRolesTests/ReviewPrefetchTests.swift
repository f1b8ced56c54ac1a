import ClientSupport
import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetRoles

@Suite(.timeLimit(.minutes(5))) struct ReviewPrefetchTests {
    /// It only reads: what might kill a worker is left to a claim, which counts, and a reading that fails costs nothing.
    @Test func anIdleWorkerReadsWhatIsOnItsWay() async throws {
        let system = FakeSystem()
        try await system.addReviews(3)
        let id = RequestID.make()
        _ = try await system.requests.submit([Submission(id: id, productID: system.product)])
        let task = AnalysisTask(requestID: id, productID: system.product, generation: 1)
        let worker = Task { try await system.worker().run() }
        defer { worker.cancel() }
        while system.progress.listenerCount(of: .arrivals) == 0 { await Task.yield() }

        system.reviews.failNext(.pages, with: Away())
        try await system.progress.ring(.arrivals, for: task)
        while system.reviews.hasFailuresWaiting { await Task.yield() }
        #expect(system.analyzer.reviewsRead.isEmpty)
        #expect(try await system.sessions.sessions([id])[0] == nil)

        try await system.queue.enqueue([task])
        try await system.progress.ring(.queue)
        while try await system.request(id)?.status != .completed { await Task.yield() }
        #expect(system.analyzer.reviewsRead.count == 3)
        #expect(try await system.storedCards(id).count == 3)
    }

    @Test func whoPreparesInVainLetsMoreAndMoreArrivalsPass() throws {
        let system = FakeSystem()
        let prefetch = ReviewPrefetch()
        var prepared: [Int] = []
        func arrive(_ number: Int) -> AnalysisTask {
            let task = AnalysisTask(requestID: .make(), productID: system.product, generation: 1)
            prefetch.prepare(for: task) {
                prepared.append(number)
                return SessionOpening(
                    task: task, ports: system.ports, steps: system.steps, configuration: system.configuration)
            }
            return task
        }
        for number in 0..<20 {
            _ = arrive(number)
            prefetch.foundNothing()
        }
        // It let 1, 2, 4 and 8 pass.
        #expect(prepared == [0, 2, 5, 10, 19])
    }

    @Test func whoGetsWhatItPreparedForGoesOnPreparing() throws {
        let system = FakeSystem()
        let prefetch = ReviewPrefetch()
        for _ in 0..<3 {
            let task = AnalysisTask(requestID: .make(), productID: system.product, generation: 1)
            prefetch.prepare(for: task) {
                SessionOpening(
                    task: task, ports: system.ports, steps: system.steps, configuration: system.configuration)
            }
            let lease = Lease(requestID: task.requestID, token: LeaseToken())
            let other = AnalysisTask(requestID: .make(), productID: system.product, generation: 1)
            #expect(prefetch.opening(of: Claim(task: other, attempt: 1, lease: lease)) == nil)
            #expect(prefetch.opening(of: Claim(task: task, attempt: 1, lease: lease)) != nil)
            #expect(prefetch.opening(of: Claim(task: task, attempt: 1, lease: lease)) == nil)
        }
    }
}
