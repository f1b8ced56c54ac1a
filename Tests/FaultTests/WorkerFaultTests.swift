import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Workers that die between two writes, and what the next one makes of it.
@Suite(.serialized) struct WorkerFaultTests {
    private static let reviewCount = 10
    private let settings = ["WORKER_REVIEWS_PER_CHUNK": "3", "WORKER_TIME_PER_SEGMENT": "1h"]

    /// The fifth report is the last one, behind the result.
    private static let deaths: [(Failpoint, hits: Int)] =
        Failpoint.of(.work).map { ($0, hits: $0 == .cardsStored ? 2 : 1) } + [(.progressReported, hits: 5)]

    @Test(.timeLimit(.minutes(3)), arguments: deaths)
    func anAnalysisOutlivesItsWorker(_ point: Failpoint, hits: Int) async throws {
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
            try await shop.addProduct("p", reviews: Self.reviewCount)
            let fails = [.failureStored, .taskBuried, .failureReported].contains(point)
            // Quartet never removes reviews; a product without any is what no later attempt can analyse.
            if fails { try await system.stores.removeReviews(of: "p") }
            // Nor does it damage them; what can't be read now may be readable later.
            if point == .taskReleased { try await system.stores.spoilReview("r-100004", of: "p") }
            let first = try system.start(["work"], settings: point.settings(hits: hits))
            let id = try await shop.submitted("p")
            async let told = shop.toldToTheEnd(of: id)
            try await expectKilled(first)
            try await expectHalfDone(id, at: hits == 5 ? .resultStored : point, in: system.stores)

            if point == .taskReleased { try await system.stores.mendReview("r-100004", of: "p") }
            _ = try system.start(["work"])
            let analysis = try await shop.closed(id)
            #expect(analysis.status == (fails ? "failed" : "completed"))
            #expect(try await told == (0..<(fails ? 0 : Self.reviewCount)).map { "\($0)" })
            var story = Story(system.stores)
            story.progressMayLag = point == .taskAcknowledged
            if fails {
                #expect(analysis.failure?.contains("no reviews") == true)
                try await story.expectFailed([id])
            } else {
                try await story.expectCompleted([id])
            }
            try await system.expectConsistency()
        }
    }

    /// What is stored when the worker is dead: all up to the point, and nothing behind it.
    private func expectHalfDone(_ id: RequestID, at point: Failpoint, in stores: Stores) async throws {
        let cards = try await stores.cards(of: id).count
        let results = try await stores.count("analysis.analysis_results WHERE request_id = '\(id)'")
        let task = try await stores.task(of: id)
        let hasKeywords = try await stores.keywordDetails(of: id) != nil
        #expect(hasKeywords == [.keywordsStored, .resultStored, .taskAcknowledged].contains(point))
        switch point {
        case .taskClaimed:
            #expect(try await stores.session(of: id) == nil)
            #expect((cards, results, task?.attempt) == (0, 0, 1))
        case .sessionPinned:
            #expect(try await stores.session(of: id)?.manifest.count == Self.reviewCount)
            #expect((cards, results, task?.attempt) == (0, 0, 1))
        case .cardsStored: #expect((cards, results, task?.attempt) == (6, 0, 1))
        case .keywordsStored:
            // The last chunk's cards are on the way at the same time.
            #expect(cards == 9 || cards == Self.reviewCount)
            #expect((results, task?.attempt) == (0, 1))
        case .progressReported: #expect((cards, results, task?.attempt) == (3, 0, 1))
        case .resultStored: #expect((cards, results, task?.attempt) == (Self.reviewCount, 1, 1))
        case .taskAcknowledged: #expect((cards, results, task?.attempt) == (Self.reviewCount, 1, nil))
        case .failureStored: #expect((cards, results, task?.state) == (0, 0, "live"))
        case .taskBuried, .failureReported: #expect((cards, results, task?.state) == (0, 0, "dead"))
        case .taskReleased: #expect((cards, results, task?.attempt) == (3, 0, 1))
        default: Issue.record("nothing is said about \(point)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aWorkerThatWasFrozenPastItsLeaseChangesNothing() async throws {
        let settings = ["WORKER_REVIEWS_PER_CHUNK": "2"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
            try await shop.addProduct("p", reviews: 60)
            let point = "\(Failpoint.cardsStored.rawValue)@3:stop"
            let frozen = try system.start(
                ["work"], settings: TestProcess.servingMetrics.merging(["QUARTET_FAILPOINT": point]) { $1 })
            let id = try await shop.submitted("p")
            try await expectStopped(frozen)
            try #require(try await system.stores.cards(of: id).count < 60)

            let second = try system.start(["work"])
            #expect(try await shop.closed(id).status == "completed")
            try await Story(system.stores).expectCompleted([id])
            #expect(try await second.stop() == .status(0))

            frozen.signal(SIGCONT)
            // At its next renewal mostly, or at its end where that comes first, which then has no lease to lose.
            try await eventually("what it tries to do with its lease is counted") {
                try await frozen.metric("quartet_stale_leases_total") >= 1
            }
            #expect(try await frozen.metric("quartet_leases_lost_total") <= 1)
            try await Story(system.stores).expectCompleted([id])
            let next = try await shop.submitted("p")
            #expect(try await shop.closed(next).status == "completed")
            try await system.expectConsistency()
        }
    }

    /// With the leases that are the default.
    @Test(.timeLimit(.minutes(3)))
    func aDeadWorkersTaskIsTakenOverWithinTwoLeases() async throws {
        let settings = [
            "WORKER_REVIEWS_PER_CHUNK": "1", "WORKER_LEASE_DURATION": "10s", "WORKER_POLL_INTERVAL": "500ms",
        ]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
            try await shop.addProduct("p", reviews: 600)
            let workers = try (0..<2).map { _ in try system.start(["work"]) }
            let id = try await shop.submitted("p")
            try await eventually("some cards are stored") { try await system.stores.cards(of: id).count >= 10 }
            let holder = try await system.stores.worker(of: id)
            let index = try #require(workers.firstIndex { holder?.hasSuffix(":\($0.pid)") == true })
            await workers[index].kill()
            let count = try await system.stores.cards(of: id).count
            try #require(count < 600, "the worker was too fast to be caught")
            let started = ContinuousClock.now
            try await eventually("the other goes on") { try await system.stores.cards(of: id).count > count }
            let taken = started.duration(to: .now)
            print("takeover after SIGKILL: \(taken), lease 10 s")
            #expect(taken < .seconds(20))
            #expect(try await system.stores.task(of: id)?.attempt == 2)
            #expect(try await shop.closed(id).status == "completed")
            try await Story(system.stores).expectCompleted([id])
        }
    }

    /// A task that kills whoever works on it must not do so for ever.
    @Test(.timeLimit(.minutes(3)))
    func aTaskThatKillsEveryWorkerFails() async throws {
        let settings = ["WORKER_ATTEMPTS_MAX": "2", "WORKER_LEASE_DURATION": "500ms"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
            try await shop.addProduct("p", reviews: 3)
            let id = try await shop.submitted("p")
            for _ in 0..<2 {
                try await expectKilled(try system.start(["work"], settings: Failpoint.taskClaimed.settings()))
            }
            _ = try system.start(["work"])
            let analysis = try await shop.closed(id)
            #expect(analysis.status == "failed")
            #expect(analysis.failure?.contains("died at each of 2 attempts") == true)
            try await Story(system.stores).expectFailed([id])
            try await system.expectConsistency()
        }
    }
}
