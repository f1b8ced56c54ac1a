import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Workers that die between two writes of the ways that are seldom gone.
@Suite(.serialized) struct OddPathTests {
    private static let reviewCount = 5

    /// A worker that has a suspect in hand gives it back before it begins.
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.suspect))
    func aSuspectOutlivesItsWorker(_ point: Failpoint) async throws {
        try await onSharedServers { system, shop in
            _ = try system.start(["relay"])
            let id = try await shop.submitted("p")
            for _ in 0..<2 {
                try await expectKilled(try system.start(["work"], settings: Failpoint.taskClaimed.settings()))
            }
            try await expectKilled(try system.start(["work"], settings: point.settings()))
            #expect(try await system.stores.cards(of: id).isEmpty)
            _ = try system.start(["work"])
            try await expectCompleted(id, system, shop)
        }
    }

    /// The request is closed by its author while the worker finds that it can't be analysed.
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.lateCancel))
    func aCancellationOutlivesTheWorkerThatComesSecond(_ point: Failpoint) async throws {
        try await onSharedServers { system, shop in
            let relay = try system.start(["relay"])
            try await system.stores.removeReviews(of: "p")
            let id = try await submit(dyingAt: point, stoppedAt: .taskClaimed, system, shop) { id async throws in
                // Nobody but the worker is there to take the task away.
                #expect(try await relay.stop() == .status(0))
                #expect(try await shop.call(.delete, "/v1/analyses/\(id)").status == 200)
            }
            // An acknowledgement is not waited for by a majority.
            try await eventually("the task is gone") { try await system.stores.task(of: id) == nil }
            _ = try system.start(["run", "relay", "work"])
            try await Story(system.stores).expectCancelled([id])
            try await system.expectConsistency()
        }
    }

    /// Cards of a manifest that was lost lie where the analysis puts its own.
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.strangers))
    func anAnalysisOutlivesTheWorkerThatRemovesStrangers(_ point: Failpoint) async throws {
        try await onSharedServers { system, shop in
            _ = try system.start(["relay"])
            let id = try await submit(dyingAt: point, stoppedAt: .sessionPinned, system, shop) { id in
                try await system.stores.addStrangerCard(to: id, ordinal: 0)
            }
            #expect(try await system.stores.cards(of: id).map(\.ordinal) == [0])
            _ = try system.start(["work"])
            try await expectCompleted(id, system, shop)
        }
    }

    /// A session is not durable before the cards are; another server may take writes by then.
    @Test(.timeLimit(.minutes(5)), arguments: Failpoint.of(.lostSession))
    func anAnalysisOutlivesTheWorkerThatPinsItsSessionAgain(_ point: Failpoint) async throws {
        try await QuartetSystem.withPrivateStack { stack in
            try await onServers(stack) { system, shop in
                _ = try system.start(["relay"])
                let id = try await submit(dyingAt: point, stoppedAt: .sessionPinned, system, shop) { id in
                    try await system.stores.electAnew()
                    try await system.stores.removeSession(of: id)
                }
                #expect(try await system.stores.session(of: id)?.manifest.count == Self.reviewCount)
                _ = try system.start(["work"])
                try await expectCompleted(id, system, shop)
            }
        }
    }

    /// An outage is no task's fault, and a worker that lives through it has not died.
    @Test(.timeLimit(.minutes(5)), arguments: Failpoint.of(.outage))
    func anAnalysisOutlivesTheWorkerThatGivesItBackLate(_ point: Failpoint) async throws {
        try await QuartetSystem.withPrivateStack { stack in
            try await onServers(stack) { system, shop in
                _ = try system.start(["relay"])
                let id = try await shop.submitted("p")
                let worker = try system.start(["work"], settings: point.settings(stoppedAt: .sessionPinned))
                try await expectStopped(worker)
                await stack.mongo.kill()
                worker.signal(SIGCONT)
                try await eventually("the worker can't give the task back") {
                    worker.log.contains("tasks not given back")
                }
                try await stack.mongo.start()
                try await expectKilled(worker)
                _ = try system.start(["work"])
                try await expectCompleted(id, system, shop)
            }
        }
    }

    // MARK: What they share

    private func onSharedServers(_ body: (QuartetSystem, Shop) async throws -> Void) async throws {
        try await onServers(TestStack.shared, body)
    }

    private func onServers(
        _ stack: LocalStack, _ body: (QuartetSystem, Shop) async throws -> Void
    ) async throws {
        try await QuartetSystem.run(on: stack) { system in
            let (_, shop) = try await system.serve(with: ["invalidate"])
            try await shop.addProduct("p", reviews: Self.reviewCount)
            try await body(system, shop)
        }
    }

    /// Submits, and has a worker come to `earlier`, where the world changes, and on to its end at `point`.
    private func submit(
        dyingAt point: Failpoint, stoppedAt earlier: Failpoint, _ system: QuartetSystem, _ shop: Shop,
        meanwhile: (RequestID) async throws -> Void
    ) async throws -> RequestID {
        let id = try await shop.submitted("p")
        let worker = try system.start(["work"], settings: point.settings(stoppedAt: earlier))
        try await expectStopped(worker)
        try await meanwhile(id)
        worker.signal(SIGCONT)
        try await expectKilled(worker)
        return id
    }

    private func expectCompleted(_ id: RequestID, _ system: QuartetSystem, _ shop: Shop) async throws {
        #expect(try await shop.closed(id).status == "completed")
        try await Story(system.stores).expectCompleted([id])
        try await system.expectConsistency()
    }
}
