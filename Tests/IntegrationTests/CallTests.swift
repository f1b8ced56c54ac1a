import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// What callers are promised, over the real stores.
@Suite struct CallTests {
    private let roles = ["relay", "work", "invalidate"]

    @Test(.timeLimit(.minutes(3)))
    func aRepeatedSubmitIsTheFirstOne() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: roles)
            try await shop.addProduct("p", reviews: 12)
            try await shop.addProduct("q", reviews: 1)
            let answers = try await withThrowingTaskGroup(of: Shop.Answer.self) { group in
                for _ in 0..<20 { group.addTask { try await shop.submit("p", key: "order-1") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let ids = try Set(answers.map { try $0.decoded(as: Shop.Submitted.self).id })
            #expect(answers.allSatisfy { $0.status == 202 })
            #expect(ids.count == 1)
            #expect(answers.count { $0.header("Idempotency-Replayed") == nil } == 1)
            let id = try #require(ids.first.flatMap { RequestID($0) })

            #expect(try await shop.submit("q", key: "order-1").status == 409)
            try await shop.closed(id)
            let later = try await shop.submit("p", key: "order-1")
            #expect(later.status == 202)
            #expect(try later.decoded(as: Shop.Submitted.self).id == "\(id)")
            #expect(try await system.stores.count("analysis.analysis_requests") == 1)
            try await Story(system.stores).expectCompleted([id])
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aStreamGoesOnWhereItWasLeft() async throws {
        try await QuartetSystem.run(on: TestStack.shared, settings: ["WORKER_REVIEWS_PER_CHUNK": "7"]) { system in
            let (_, shop) = try await system.serve(with: roles)
            try await shop.addProduct("p", reviews: 300)
            let id = try await shop.submitted("p")
            var told: [Int] = []
            let hasEnded = try await shop.events(of: id) { event in
                if event.name == "card" { told.append(try #require(event.id.flatMap { Int($0) })) }
                return told.count < 100
            }
            #expect(!hasEnded)
            #expect(told == Array(0..<100))

            var rest: [ServerSentEvent] = []
            let restHasEnded = try await shop.events(of: id, lastEventID: "99") { event in
                rest.append(event)
                return true
            }
            #expect(restHasEnded)
            #expect(rest.filter { $0.name == "card" }.map(\.id) == (100..<300).map { "\($0)" })
            #expect(rest.last == ServerSentEvent(name: "end", data: #"{"status":"completed"}"#))
            #expect(rest.count { $0.name == "end" } == 1)

            var afterwards: [String] = []
            _ = try await shop.events(of: id, lastEventID: "299") { event in
                afterwards.append(event.name)
                return true
            }
            #expect(afterwards.filter { $0 != "progress" } == ["end"])
        }
    }

    /// Progress is a copy: the last report may have been lost.
    @Test(.timeLimit(.minutes(3)))
    func aStreamEndsAlsoWhereProgressStandsStill() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: roles)
            try await shop.addProduct("p", reviews: 12)
            let id = try await shop.submitted("p")
            try await shop.closed(id)
            try await Story(system.stores).expectCompleted([id])
            let key = "\(system.name):analysis_progress:{\(id)}"
            _ = try await system.stores.redis("HSET", key, "phase", "running", "done", "7")
            let told = try await shop.toldToTheEnd(of: id)
            #expect(told == (0..<12).map { "\($0)" })
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func anOpenStreamDoesNotHoldTheProcessUp() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (process, shop) = try await system.serve()
            try await shop.addProduct("p", reviews: 3)
            let id = try await shop.submitted("p")
            async let hasEnded = shop.events(of: id) { _ in true }
            try await eventually("somebody watches") {
                try await system.stores.redis("PUBSUB", "CHANNELS", "\(system.name):*").contains {
                    $0.contains("\(id)")
                }
            }
            #expect(try await process.stop() == .status(0))
            #expect(try await hasEnded)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func nobodyGetsInWithoutTheKey() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve()
            let stranger = Shop(url: shop.url, key: "another")
            #expect(try await stranger.call(.put, "/v1/products/p").status == 401)
            #expect(try await stranger.call(.get, "/healthz").status == 200)
            #expect(try await stranger.call(.get, "/metrics").status == 200)
            #expect(try await system.stores.count("catalog.products") == 0)
        }
    }
}
