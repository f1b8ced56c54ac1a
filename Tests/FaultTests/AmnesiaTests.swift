import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Copies that are lost while analyses run: all that was accepted completes.
@Suite(.serialized) struct AmnesiaTests {
    private static let reviewCount = 60
    private let settings = ["WORKER_REVIEWS_PER_CHUNK": "2"]

    @Test(.timeLimit(.minutes(5)))
    func redisForgetsEverything() async throws {
        try await onPrivateServers { system, shop in
            _ = try system.start(["run", "relay", "work", "invalidate"])
            let ids = try await submit(40, shop)
            // Watched throughout.
            async let told = shop.toldToTheEnd(of: ids[39])
            try await midway(system)
            for _ in 0..<3 { _ = try await system.stores.redis("FLUSHALL") }
            for id in ids { #expect(try await shop.closed(id).status == "completed") }
            #expect(try await told == (0..<Self.reviewCount).map { "\($0)" })
            var story = Story(system.stores)
            story.progressMayLag = true
            story.cacheMayForget = true
            try await story.expectCompleted(ids)
            try await system.expectConsistency()
        }
    }

    /// That takes the checker: nobody else looks for requests without a task.
    @Test(.timeLimit(.minutes(5)))
    func theQueueIsLost() async throws {
        try await onPrivateServers { system, shop in
            _ = try system.start(["run", "relay", "work", "invalidate"])
            let ids = try await submit(60, shop)
            try await midway(system)
            try await system.stores.dropQueue()
            // What comes later finds a queue again.
            let later = try await shop.submitted("p")
            #expect(try await shop.closed(later).status == "completed")
            let open = try await system.stores.count("analysis.analysis_requests WHERE status = 'queued'")
            try #require(open > 0, "the worker was too fast for this test")
            try await eventually("the checker has had its way") {
                let process = try system.start(["check", "--full", "--repair"], settings: QuartetSystem.quickCheck)
                try await process.waitForEnd()
                return try await system.stores.count("analysis.analysis_requests WHERE status = 'queued'") == 0
            }
            for id in ids { #expect(try await shop.closed(id).status == "completed") }
            try await eventually("the queue has its index again") {
                try await system.stores.indexes(of: "analysis_queue").contains("claim")
            }
            try await Story(system.stores).expectCompleted(ids + [later])
            try await system.expectConsistency()
        }
    }

    /// Where the new log is at a new address, those who know the old one are started again.
    @Test(.timeLimit(.minutes(5)), arguments: TestBroker.present)
    func theBrokerLosesItsLog(_ kafka: TestBroker) async throws {
        try await onPrivateServers(kafka) { system, shop in
            let before = try ["relay", "work", "invalidate"].map { try system.start([$0]) }
            let ids = try await submit(40, shop)
            try await midway(system)
            let address = system.stack.kafka.url
            try await system.stack.kafka.wipe()
            let during = try await shop.submitted("p")
            try await system.stack.kafka.start()
            let brokers = ["KAFKA_BROKERS": system.stack.kafka.url]
            if system.stack.kafka.url != address {
                for process in [before[0], before[2]] { #expect(try await process.stop() == .status(0)) }
                for role in ["relay", "invalidate"] { _ = try system.start([role], settings: brokers) }
            }
            for id in ids + [during] { #expect(try await shop.closed(id).status == "completed") }
            // Events go on, and so do those who apply them.
            let last = try await shop.submitted("p")
            #expect(try await shop.closed(last).status == "completed")
            try await eventually("the newest result is served") {
                try await shop.call(.get, "/v1/products/p/analysis").text.contains("\(last)")
            }
            // Hints may have shown it before any event could be told.
            try await Story(system.stores).waitForRelays()
            // What was told in the lost log may have been meant for a cache.
            _ = try await system.finish(
                ["check", "--full", "--repair"], settings: QuartetSystem.quickCheck.merging(brokers) { $1 })
            try await system.expectConsistency()
        }
    }

    private func onPrivateServers(
        _ kafka: TestBroker = .embedded, _ body: (QuartetSystem, Shop) async throws -> Void
    ) async throws {
        try await QuartetSystem.withPrivateStack(on: kafka) { stack in
            try await QuartetSystem.run(on: stack, settings: settings) { system in
                let (_, shop) = try await system.serve()
                try await shop.addProduct("p", reviews: Self.reviewCount)
                try await body(system, shop)
            }
        }
    }

    private func submit(_ count: Int, _ shop: Shop) async throws -> [RequestID] {
        var ids: [RequestID] = []
        for _ in 0..<count { ids.append(try await shop.submitted("p")) }
        return ids
    }

    /// Waits until some cards are there.
    private func midway(_ system: QuartetSystem) async throws {
        try await eventually("some cards are stored") {
            try await system.stores.documents("emotion_cards").count >= 20
        }
    }
}
