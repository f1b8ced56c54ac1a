import ClientSupport
import QuartetCore
import QuartetTesting
import Synchronization
import Testing

@testable import QuartetRoles

@Suite(.timeLimit(.minutes(5))) struct BestEffortTests {
    @Test func anAnalysisEndsThoughNobodyTakesItsProgress() async throws {
        let system = FakeSystem()
        try await system.addReviews(41)
        let id = try await system.submit()
        let board = StuckBoard(inner: system.progress)
        let ports = WorkerPorts(
            requests: system.requests, queue: system.queue, reviews: system.reviews, sessions: system.sessions,
            cards: system.cards, keywords: system.keywords, progress: board, analyzer: system.analyzer)
        let worker = Worker(
            identity: "w", configuration: Live(system.configuration), ports: ports, logger: system.logger)
        #expect(try await worker.runOnce() == 1)
        #expect(try await system.request(id)?.status == .completed)
        #expect(try await system.progress.read([id])[0]?.phase == .completed)
        // The first, and the look beside.
        #expect(board.held.withLock { $0 } == 2)
    }

    /// Bells too: each would cost a delivery its timeout.
    @Test func aTaskIsQueuedThoughNobodyHearsTheBell() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        let board = StuckBoard(inner: system.progress)
        let delivery = QueueDelivery(queue: system.queue, progress: board, logger: system.logger)
        let relay = system.relay(delivery)
        try await relay.holdShards()
        for _ in 0..<2 {
            let id = RequestID.make()
            _ = try await system.requests.submit([Submission(id: id, productID: system.product)])
            while try await relay.runOnce() > 0 {}
            let close = try await system.requests.cancel([id])
            #expect(close.count == 1)
            while try await relay.runOnce() > 0 {}
        }
        #expect(try await system.queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
    }

    @Test func whatAnswersAgainIsCalledAgain() async throws {
        let isOpen = Mutex(false)
        let calls = Mutex(0)
        let effort = BestEffort()
        let call: @Sendable () async throws -> Void = {
            calls.withLock { $0 += 1 }
            while !isOpen.withLock({ $0 }) {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
        await #expect(throws: DeadlineExceeded.self) { try await effort(call) }
        // Nobody calls while one looks whether it answers again.
        await #expect(throws: DeadlineExceeded.self) { try await effort(call) }
        isOpen.withLock { $0 = true }
        while (try? await effort(call)) == nil { await Task.yield() }
        #expect(calls.withLock { $0 } == 3)
    }

    @Test func whoeverIsCancelledHoldsUpNobody() async throws {
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let effort = BestEffort()
        let first = Task {
            try await effort {
                beginning.finish()
                for await _ in AsyncStream<Void>.makeStream().stream {}
                try Task.checkCancellation()
            }
        }
        for await _ in begun {}
        first.cancel()
        _ = await first.result
        try await effort {}
    }
}

/// Hears no bell and takes no report of an analysis on its way, and never says so.
private final class StuckBoard: ProgressBoard {
    let inner: FakeProgressBoard
    let held = Mutex(0)

    init(inner: FakeProgressBoard) { self.inner = inner }

    func report(_ progress: [Progress], invalidating: [CacheInvalidation]) async throws {
        if progress.contains(where: { $0.phase == .running }) {
            held.withLock { $0 += 1 }
            // Until it is cancelled.
            for await _ in AsyncStream<Void>.makeStream().stream {}
            try Task.checkCancellation()
        }
        try await inner.report(progress, invalidating: invalidating)
    }

    func read(_ ids: [RequestID]) async throws -> [Progress?] { try await inner.read(ids) }
    func reports(of request: RequestID) -> AsyncStream<Progress?> { inner.reports(of: request) }
    func ring(_ bell: Doorbell, for task: AnalysisTask?) async throws {
        for await _ in AsyncStream<Void>.makeStream().stream {}
        try Task.checkCancellation()
    }
    func rings(of bell: Doorbell) -> AsyncStream<AnalysisTask?> { inner.rings(of: bell) }
}
