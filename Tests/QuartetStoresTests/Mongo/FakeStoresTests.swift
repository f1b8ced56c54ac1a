import QuartetCore
import QuartetTesting
import Testing

/// The fakes of the ports that MongoDB serves show the same behaviours as the real adapters.
@Suite struct FakeStoresTests {
    @Test(arguments: TaskQueueConformance.behaviours)
    func queueConforms(_ behaviour: Conformance<TaskQueueSubject>) async throws {
        let clock = ManualClock()
        let subject = TaskQueueSubject(queue: FakeTaskQueue(clock: clock)) { clock.advance(by: $0) }
        try await behaviour.check(subject)
    }

    @Test(arguments: ReviewStoreConformance.behaviours)
    func reviewsConform(_ behaviour: Conformance<any ReviewStore>) async throws {
        try await behaviour.check(FakeReviewStore())
    }

    @Test(arguments: SessionStoreConformance.behaviours)
    func sessionsConform(_ behaviour: Conformance<any SessionStore>) async throws {
        try await behaviour.check(FakeSessionStore())
    }

    @Test(arguments: CardStoreConformance.behaviours)
    func cardsConform(_ behaviour: Conformance<any CardStore>) async throws {
        try await behaviour.check(FakeCardStore())
    }

    @Test(arguments: KeywordStoreConformance.behaviours)
    func keywordsConform(_ behaviour: Conformance<any KeywordStore>) async throws {
        try await behaviour.check(FakeKeywordStore())
    }

    @Test(arguments: DocumentCheckStoreConformance.behaviours)
    func documentCheckStoreConforms(_ behaviour: Conformance<DocumentCheckStoreSubject>) async throws {
        try await behaviour.check(.fake())
    }

    @Test func aClaimWhoseAnswerWasLostIsGivenByTheNextOne() async throws {
        let clock = ManualClock()
        let queue = FakeTaskQueue(clock: clock)
        try await expectLostClaimsToBeFound(queue) {
            queue.failNext(.claim, with: CancellationError(), tookEffect: true)
        } afterwards: {
        }
    }

    @Test func plannedFailuresComeInOrderAndOnce() async throws {
        let queue = FakeTaskQueue()
        let product = try #require(ProductID("p"))
        let task = AnalysisTask(requestID: .make(), productID: product, generation: 1)
        queue.failNext(.claim, with: Planned.second)
        queue.failNext(with: Planned.first)
        await #expect(throws: Planned.first) { try await queue.enqueue([task]) }
        #expect(queue.contents(of: task.requestID) == nil)
        queue.failNext(.enqueue, with: Planned.first, tookEffect: true)
        await #expect(throws: Planned.first) { try await queue.enqueue([task]) }
        #expect(queue.contents(of: task.requestID)?.task == task)
        await #expect(throws: Planned.second) {
            try await queue.claim(limit: 1, worker: "a", leaseDuration: .seconds(1))
        }
        #expect(try await queue.claim(limit: 1, worker: "a", leaseDuration: .seconds(1)).count == 1)
    }
}

private enum Planned: Error {
    case first, second
}
