import Foundation
import Mongo
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Roles that are told to stop while they work.
@Suite(.serialized) struct ShutdownTests {
    /// Leases that are much longer than anything here may take.
    private let longLeases = [
        "WORKER_LEASE_DURATION": "120s", "RELAY_LEASE_DURATION": "120s", "WORKER_REVIEWS_PER_CHUNK": "1",
    ]

    @Test(.timeLimit(.minutes(3)))
    func whatAWorkerHasInHandIsGivenBackAtOnce() async throws {
        let settings = longLeases.merging(["WORKER_DRAIN_TIMEOUT": "500ms"]) { $1 }
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
            try await shop.addProduct("p", reviews: 3_000)
            let first = try system.start(["work"])
            let id = try await shop.submitted("p")
            try await eventually("some cards are stored") { try await system.stores.cards(of: id).count >= 10 }
            let second = try system.start(["work"])
            try await eventually("the second works") { second.log.contains("roles started") }

            let started = ContinuousClock.now
            #expect(try await first.stop() == .status(0))
            let stopped = started.duration(to: .now)
            #expect(stopped < .seconds(5), "stopped after \(stopped)")
            let count = try await system.stores.cards(of: id).count
            try #require(count < 3_000, "the worker was too fast to be caught")
            try await eventually("the second goes on") {
                try await system.stores.cards(of: id).count > count
            }
            let taken = started.duration(to: .now)
            print("handed over after \(taken), lease 120 s")
            #expect(taken < .seconds(30), "taken over after \(taken)")
            #expect(try await system.stores.task(of: id)?.attempt == 1, "an interruption costs no attempt")
            #expect(try await shop.closed(id).status == "completed")
            try await Story(system.stores).expectCompleted([id])
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func whatAWorkerCanFinishItFinishesAndClaimsNothingMore() async throws {
        let settings = longLeases.merging(["WORKER_DRAIN_TIMEOUT": "60s", "WORKER_TASKS_MAX": "4"]) { $1 }
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
            try await shop.addProduct("p", reviews: 120)
            var ids: [RequestID] = []
            for _ in 0..<12 { ids.append(try await shop.submitted("p")) }
            let first = try system.start(["work"], settings: TestProcess.servingMetrics)
            try await eventually("some cards are stored") {
                try await system.stores.documents("emotion_cards").count >= 4
            }
            first.signal(SIGTERM)
            let started = ContinuousClock.now
            #expect(try await first.waitForEnd() == .status(0))
            let stopped = started.duration(to: .now)
            #expect(stopped < .seconds(30), "stopped after \(stopped)")
            let leased = try await system.stores.documents("analysis_queue", ["lease": ["$exists": true]])
            #expect(leased.isEmpty, "nothing is left under a lease")
            #expect(try await system.stores.count("analysis.analysis_results") <= 8)
            #expect(try await system.stores.count("analysis.analysis_results") >= 1)

            _ = try system.start(["work"])
            for id in ids { #expect(try await shop.closed(id).status == "completed") }
            try await Story(system.stores).expectCompleted(ids)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func whatARelayHeldIsTakenOverAtOnce() async throws {
        try await QuartetSystem.run(on: TestStack.shared, settings: longLeases) { system in
            let (_, shop) = try await system.serve(with: ["work", "invalidate"])
            try await shop.addProduct("p", reviews: 1)
            let relays = try (0..<2).map { _ in try system.start(["relay"]) }
            try await eventually("both relays hold shards") {
                try await system.stores.count(
                    "(SELECT DISTINCT sink, owner FROM events.outbox_cursors WHERE owner IS NOT NULL) o") == 4
            }
            #expect(try await relays[0].stop() == .status(0))
            var ids: [RequestID] = []
            let started = ContinuousClock.now
            for _ in 0..<24 { ids.append(try await shop.submitted("p")) }
            for id in ids { #expect(try await shop.closed(id).status == "completed") }
            let taken = started.duration(to: .now)
            #expect(taken < .seconds(20), "after \(taken)")
            try await Story(system.stores).expectCompleted(ids)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aStreamGoesOnAtAnotherCopyOfTheAPI() async throws {
        let settings = ["WORKER_REVIEWS_PER_CHUNK": "1"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (first, shop) = try await system.serve()
            let (_, other) = try await system.serve(with: ["relay", "work", "invalidate"])
            try await shop.addProduct("p", reviews: 1_500)
            let id = try await shop.submitted("p")
            var told: [String] = []
            var end: String?
            let isStopped = Task {
                try await eventually("some cards are stored") { try await system.stores.cards(of: id).count >= 50 }
                return try await first.stop()
            }
            // The stream ends between two events, never within one.
            let hasEnded = try await shop.events(of: id) { event in
                if event.name == "card" { told.append(event.id ?? "") }
                if event.name == "end" { end = event.data }
                return true
            }
            #expect(hasEnded)
            #expect(try await isStopped.value == .status(0))
            #expect(end == nil && told.count < 1_500, "the analysis was too fast for this test")
            _ = try await other.events(of: id, lastEventID: told.last) { event in
                if event.name == "card" { told.append(event.id ?? "") }
                if event.name == "end" { end = event.data }
                return true
            }
            #expect(told == (0..<1_500).map { "\($0)" })
            #expect(end == #"{"status":"completed"}"#)
        }
    }
}

/// Roles that are told to stop while nothing answers them.
@Suite(.serialized) struct BoundedShutdownTests {
    @Test(.timeLimit(.minutes(5)), arguments: ["serve", "relay", "work", "invalidate"])
    func aRoleStopsAlsoWhileNoStoreAnswers(_ role: String) async throws {
        let settings = [
            "WORKER_REVIEWS_PER_CHUNK": "1", "WORKER_DRAIN_TIMEOUT": "500ms", "DB_STATEMENT_TIMEOUT": "3s",
            "MONGODB_OPERATION_TIMEOUT": "3s", "REDIS_COMMAND_TIMEOUT": "2s",
        ]
        try await QuartetSystem.withPrivateStack { stack in
            try await QuartetSystem.run(on: stack, settings: settings) { system in
                let (server, shop) = try await system.serve()
                let others = try ["relay", "work", "invalidate"].map { try system.start([$0]) }
                try await shop.addProduct("p", reviews: 2_000)
                let id = try await shop.submitted("p")
                try await eventually("some cards are stored") { try await system.stores.cards(of: id).count >= 5 }
                let servers = [stack.postgres, stack.mongo, stack.redis, stack.kafka] as [any LocalServer]
                for server in servers { await server.suspend() }
                let started = ContinuousClock.now
                let process = try #require(
                    ([server] + others).first { $0.name.split(separator: " ").contains(Substring(role)) })
                #expect(try await process.stop() == .status(0), "\(process.lastWords)")
                let stopped = started.duration(to: .now)
                print("\(role) stopped after \(stopped) with every store frozen")
                #expect(stopped < .seconds(30))
                for server in servers { await server.resume() }
                if role == "work" { _ = try system.start(["work"]) }
                if role == "relay" { _ = try system.start(["relay"]) }
                let (_, again) = try await system.serve()
                #expect(try await again.closed(id).status == "completed")
            }
        }
    }

    /// With the stores' timeouts as they are by default.
    @Test(.timeLimit(.minutes(3)))
    func aWorkerThatDoesNotStopInTimeEndsAsItIs() async throws {
        let settings = ["WORKER_REVIEWS_PER_CHUNK": "1", "WORKER_DRAIN_TIMEOUT": "500ms", "SHUTDOWN_TIMEOUT": "3s"]
        try await QuartetSystem.withPrivateStack { stack in
            try await QuartetSystem.run(on: stack, settings: settings) { system in
                let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
                let work = try system.start(["work"])
                try await shop.addProduct("p", reviews: 1_000)
                let id = try await shop.submitted("p")
                try await eventually("some cards are stored") { try await system.stores.cards(of: id).count >= 5 }
                await stack.mongo.suspend()
                #expect(try await work.stop() == .status(1))
                #expect(work.log.contains(/running=.*work.*not stopped in time/))
                await stack.mongo.resume()
                _ = try system.start(["work"])
                #expect(try await shop.closed(id).status == "completed")
                try await Story(system.stores).expectCompleted([id])
            }
        }
    }
}
