import QuartetCore
import QuartetTesting
import Synchronization
import Testing

@testable import QuartetRoles

@Suite struct LeaseKeeperTests {
    private let system = FakeSystem()
    private let lost = Losses()

    private func keep(_ count: Int) async throws -> (LeaseKeeper, [Claim]) {
        let keeper = LeaseKeeper(queue: system.queue, leaseDuration: .seconds(10), logger: system.logger)
        try await system.queue.enqueue(
            (0..<count).map { _ in AnalysisTask(requestID: .make(), productID: system.product, generation: 1) })
        let claims = try await system.queue.claim(limit: count, worker: "w", leaseDuration: .seconds(10))
        for claim in claims { keeper.keep(claim.lease) { [lost] in lost.add(claim.task.requestID) } }
        return (keeper, claims)
    }

    @Test func aLeaseThatAnotherHasIsLostOnce() async throws {
        let (keeper, claims) = try await keep(2)
        system.clock.advance(by: .seconds(11))
        let taken = try await system.queue.claim(limit: 1, worker: "other", leaseDuration: .seconds(10))
        for _ in 0..<2 { try await keeper.renewAll() }
        #expect(lost.all == taken.map(\.task.requestID))
        #expect(keeper.count == claims.count - 1)
    }

    /// The renewal comes when the queue has already forgotten the lease, and its worker does not know yet.
    @Test(arguments: [FakeTaskQueue.Call.acknowledge, .release, .bury])
    func aLeaseThatEndsMeanwhileIsNotLost(end: FakeTaskQueue.Call) async throws {
        let (keeper, claims) = try await keep(2)
        let steps = WorkerBatchers(ports: system.ports, configuration: system.configuration, willEnd: keeper.drop)
        system.queue.after(end) {
            do { try await keeper.renewAll() } catch { Issue.record(error) }
        }
        let lease = claims[0].lease
        let held =
            switch end {
            case .release: try await steps.release(TaskRelease(lease: lease, delay: .zero, refundingAttempt: false))
            case .bury: try await steps.bury(TaskBurial(lease: lease, error: "failed"))
            default: try await steps.acknowledge(lease)
            }
        #expect(held)
        #expect(lost.all.isEmpty)
        #expect(keeper.count == 1)
    }
}

/// The requests whose leases were told to be lost.
private final class Losses: Sendable {
    private let requests = Mutex<[RequestID]>([])

    var all: [RequestID] { requests.withLock { $0 } }
    func add(_ id: RequestID) { requests.withLock { $0.append(id) } }
}
