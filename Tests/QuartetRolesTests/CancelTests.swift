import Foundation
import QuartetCore
import QuartetRoles
import QuartetTesting
import Testing

@Suite struct CancelTests {
    /// Relays what waits into the queue.
    private func relay(_ system: FakeSystem) async throws {
        let relay = system.relay(system.queueDelivery)
        try await relay.holdShards()
        while try await relay.runOnce() > 0 {}
    }

    @Test func aRunningAttemptIsStoppedByTheBellOfLeases() async throws {
        var system = FakeSystem()
        // Without the bell the lease would be looked at after hours.
        system.configuration.leaseDuration = .seconds(100_000)
        try await system.addReviews(8)
        let id = try await system.submit()
        let arrived = Signal()
        let goOn = Signal()
        system.analyzer.before { review in
            guard review == "r-1002" else { return }
            await arrived.raise()
            // Ends when the attempt is told to stop.
            await withTaskCancellationHandler {
                await goOn.wait()
            } onCancel: {
                Task { await goOn.raise() }
            }
        }
        let worker = system.worker()
        let work = Task { try await worker.run() }
        await arrived.wait()
        _ = try await system.requests.cancel([id])
        try await relay(system)
        await goOn.wait()
        work.cancel()
        _ = try? await work.value

        #expect(try await system.request(id)?.status == .cancelled)
        #expect(system.queue.contents(of: id) == nil)
        #expect(try await system.storedCards(id).count <= 4)
        #expect(try await system.progress.read([id])[0]?.phase == .cancelled)
    }

    @Test func aTaskThatIsCancelledBeforeItIsRelayedIsNotQueued() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        let ids = [RequestID.make(), .make()]
        _ = try await system.requests.submit(ids.map { Submission(id: $0, productID: system.product) })
        _ = try await system.requests.cancel([ids[0]])
        try await relay(system)
        #expect(system.queue.contents(of: ids[0]) == nil)
        #expect(system.queue.contents(of: ids[1]) != nil)
    }

    @Test func aRetryThatComesWithTheCancellationIsQueued() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        let id = try await system.submit()
        _ = try await system.requests.cancel([id])
        _ = try await system.requests.retry([id])
        try await relay(system)
        #expect(system.queue.contents(of: id)?.task.generation == 2)
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
    }

    @Test func aCancellationThatIsDeliveredLateLeavesTheRetryAlone() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        let id = try await system.submit()
        _ = try await system.requests.cancel([id])
        try await relay(system)
        _ = try await system.requests.retry([id])
        try await relay(system)
        // A relay that was frozen before its delivery wakes up.
        let event = DomainEvent(
            id: "late", type: .analysisCancelled, aggregateID: id.description, version: 2,
            payload: AnalysisPayload(productID: system.product, generation: 1).json, occurredAt: .distantPast)
        try await system.queueDelivery.deliver([event])
        #expect(system.queue.contents(of: id)?.task.generation == 2)
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
    }

    @Test func aFailedRequestRunsAgainFromItsCards() async throws {
        let system = FakeSystem()
        try await system.addReviews(10)
        let id = try await system.submit()
        system.analyzer.fail("r-1007")
        for _ in 0..<3 {
            _ = try await system.worker().runOnce()
            system.clock.advance(by: .seconds(120))
        }
        #expect(try await system.request(id)?.status == .failed)
        #expect(try await system.progress.read([id])[0]?.phase == .failed)

        system.analyzer.heal()
        let before = system.analyzer.reviewsRead.count
        _ = try await system.requests.retry([id])
        try await relay(system)
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .completed)
        #expect(system.analyzer.reviewsRead.count - before == 6)
        #expect(try await system.queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
        let progress = try #require(try await system.progress.read([id])[0])
        #expect(progress == Progress(requestID: id, generation: 2, done: 10, total: 10, phase: .completed))
    }

    @Test func aDroppedRequestLeavesNoDeadTask() async throws {
        let system = FakeSystem()
        try await system.addReviews(0)
        let id = try await system.submit()
        _ = try await system.worker().runOnce()
        #expect(try await system.queue.depth().dead == 1)
        _ = try await system.requests.drop([id])
        try await relay(system)
        #expect(try await system.queue.depth().dead == 0)
        #expect(try await system.request(id)?.status == .cancelled)
    }

    /// The request fails first and its task is buried then; meanwhile it may have become possible to analyse it.
    @Test func aTaskOfAFailedRequestIsBuriedEvenIfItCouldBeDoneNow() async throws {
        let system = FakeSystem()
        try await system.addReviews(0)
        let id = try await system.submit()
        system.queue.failNext(.bury, with: Away())
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .failed)
        #expect(try await system.queue.depth().dead == 0)
        try await system.addReviews(3)
        system.clock.advance(by: .seconds(120))
        _ = try await system.worker().runOnce()
        #expect(try await system.request(id)?.status == .failed)
        #expect(try await system.queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 1))
    }

    @Test func theRelayMakesSureOfTheQueueFromTimeToTime() async throws {
        let system = FakeSystem()
        system.queue.failNext(.prepare, with: Away())
        let delivery = system.queueDelivery
        await #expect(throws: Away.self) { try await delivery.tend() }
        try await delivery.tend()
    }
}
