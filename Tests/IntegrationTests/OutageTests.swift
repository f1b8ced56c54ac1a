import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Stores that go away and come back, under every role in one process.
@Suite(.serialized) struct OutageTests {
    private let roles = ["relay", "work", "invalidate"]

    @Test(.timeLimit(.minutes(5)))
    func submittingNeedsPostgreSQLAlone() async throws {
        try await onPrivateServers { system, shop in
            try await shop.addProduct("p", reviews: 12)
            let copies = [system.stack.mongo, system.stack.redis, system.stack.kafka] as [any LocalServer]
            var ids: [RequestID] = []
            for server in copies {
                await server.kill()
                ids.append(try await shop.submitted("p"))
                try await server.start()
                #expect(try await shop.closed(ids[ids.count - 1]).status == "completed", "after \(server.name)")
            }
            for server in copies { await server.kill() }
            ids.append(try await shop.submitted("p"))
            #expect(try await shop.analysis(ids[3]).status == "queued")
            for server in copies { try await server.start() }
            #expect(try await shop.closed(ids[3]).status == "completed")
            var story = Story(system.stores)
            story.eventsMayRepeat = true
            story.progressMayLag = true
            try await story.expectCompleted(ids)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func withoutPostgreSQLNothingIsTakenAndThenAllIsWell() async throws {
        try await onPrivateServers { system, shop in
            try await shop.addProduct("p", reviews: 12)
            await system.stack.postgres.kill()
            let refused = try await shop.submit("p", key: "order-1")
            #expect(refused.status == 503)
            #expect(refused.header("Retry-After").flatMap { Int($0) } ?? 0 > 0)
            #expect(refused.header("Content-Type") == "application/problem+json")
            let unready = try await shop.call(.get, "/readyz")
            #expect(unready.status == 503)
            #expect(unready.text.contains(#""mongodb":"ok""#))
            #expect(try await shop.call(.get, "/healthz").status == 200)

            try await system.stack.postgres.start()
            let id = try await shop.submittedAtLast("p", key: "order-1")
            #expect(try await shop.closed(id).status == "completed")
            try await Story(system.stores).expectCompleted([id])
            #expect(try await system.stores.count("analysis.analysis_requests") == 1)
            #expect(try await shop.call(.get, "/readyz").status == 200)
        }
    }

    /// A primary that gave way, or that was told to stop writing, still answers every read.
    @Test(.timeLimit(.minutes(5)))
    func aServerThatTakesNoWritesIsNotReady() async throws {
        try await onPrivateServers { system, shop in
            try await shop.addProduct("p", reviews: 2)
            #expect(try await shop.call(.get, "/readyz").status == 200)
            try await system.setTakesWrites(false)
            try await shop.untilReady(503)
            let unready = try await shop.call(.get, "/readyz")
            #expect(unready.text.contains(#""postgresql.dropship":"not answering""#), "\(unready.text)")
            // What needs no write is served.
            #expect(try await shop.call(.get, "/v1/products/p").status == 200)
            try await system.setTakesWrites(true)
            try await shop.untilReady(200)
            #expect(try await shop.closed(try await shop.submitted("p")).status == "completed")
        }
    }

    @Test(.timeLimit(.minutes(5)), arguments: TestBroker.present)
    func nothingIsLostWhenStoresDieUnderLoad(_ kafka: TestBroker) async throws {
        try await onPrivateServers(kafka, settings: ["WORKER_REVIEWS_PER_CHUNK": "3"]) { system, shop in
            for product in ["p", "q", "r"] { try await shop.addProduct(product, reviews: 20) }
            let stack = system.stack
            let ids = try await withThrowingTaskGroup(of: [RequestID].self) { group in
                group.addTask {
                    var ids: [RequestID] = []
                    for number in 0..<60 {
                        ids.append(try await shop.submittedAtLast(["p", "q", "r"][number % 3], key: "order-\(number)"))
                    }
                    return ids
                }
                group.addTask {
                    for server in [stack.mongo, stack.redis, stack.postgres, stack.kafka] as [any LocalServer] {
                        await server.kill()
                        try await server.start()
                    }
                    return []
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            for id in ids { #expect(try await shop.closed(id).status == "completed") }
            #expect(Set(ids).count == 60)
            #expect(try await system.stores.count("analysis.analysis_requests") == 60)
            #expect(try await system.stores.count("analysis.analysis_results") == 60)
            var story = Story(system.stores)
            story.eventsMayRepeat = true
            story.progressMayLag = true
            try await story.expectCompleted(Array(ids.suffix(12)))
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func whatRedisForgetsIsReadFromTheTruth() async throws {
        try await onPrivateServers(settings: ["WORKER_REVIEWS_PER_CHUNK": "5"]) { system, shop in
            try await shop.addProduct("p", reviews: 200)
            let id = try await shop.submitted("p")
            var hasForgotten = false
            let hasEnded = try await shop.events(of: id) { event in
                if event.name == "card", !hasForgotten {
                    _ = try await system.stores.redis("FLUSHALL")
                    hasForgotten = true
                }
                return true
            }
            #expect(hasEnded && hasForgotten)
            let first = try await shop.call(.get, "/v1/products/p/analysis")
            _ = try await system.stores.redis("FLUSHALL")
            let second = try await shop.call(.get, "/v1/products/p/analysis")
            #expect(first.status == 200)
            #expect(first.body == second.body)
        }
    }

    private func onPrivateServers(
        _ kafka: TestBroker = .embedded, settings: [String: String] = [:],
        _ body: (QuartetSystem, Shop) async throws -> Void
    ) async throws {
        try await QuartetSystem.withPrivateStack(on: kafka) { stack in
            try await QuartetSystem.run(on: stack, settings: settings) { system in
                try await body(system, try await system.serve(with: roles).shop)
            }
        }
    }
}

extension Shop {
    /// Submits until it is taken; every refusal must be one that asks to try again.
    fileprivate func submittedAtLast(_ product: String, key: String) async throws -> RequestID {
        try await eventually("a submit of \(key)") {
            let answer = try await submit(product, key: key)
            if answer.status == 503 { return nil }
            guard answer.status == 202 else {
                throw TestFailure("submit: \(answer.status) \(answer.text)")
            }
            return RequestID(try answer.decoded(as: Submitted.self).id)
        }
    }

    fileprivate func untilReady(_ status: Int) async throws {
        try await eventually("/readyz with \(status)") { try await call(.get, "/readyz").status == status }
    }
}

extension QuartetSystem {
    fileprivate func setTakesWrites(_ takesWrites: Bool) async throws {
        _ = try await stores.rows("ALTER SYSTEM SET default_transaction_read_only = \(takesWrites ? "off" : "on")")
        _ = try await stores.rows("SELECT pg_reload_conf()")
    }
}
