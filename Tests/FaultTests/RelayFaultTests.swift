import QuartetCore
import QuartetTesting
import SystemTesting
import Testing

@Suite(.serialized) struct RelayFaultTests {
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.relay))
    func aRequestOutlivesItsRelay(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: ["work", "invalidate"])
            try await shop.addProduct("p", reviews: 5)
            let id = try await shop.submitted("p")
            let cancelled = try await shop.submitted("p")
            #expect(try await shop.call(.delete, "/v1/analyses/\(cancelled)").status == 200)
            try await expectKilled(try system.start(["relay"], settings: point.settings()))
            // The sink that was delivered may have both rows; neither cursor may have passed what was not delivered.
            _ = try system.start(["relay"])
            #expect(try await shop.closed(id).status == "completed")
            var story = Story(system.stores)
            story.eventsMayRepeat = true
            try await story.expectCompleted([id])
            try await story.expectCancelled([cancelled])
            try await system.expectConsistency()
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aSecondRelayTakesOverWhatTheFirstHeld() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: ["work", "invalidate"])
            let relays = try (0..<2).map { _ in try system.start(["relay"]) }
            try await eventually("both relays hold shards") {
                try await system.stores.count(
                    "(SELECT DISTINCT sink, owner FROM events.outbox_cursors WHERE owner IS NOT NULL) o") == 4
            }
            try await shop.addProduct("p", reviews: 5)
            await relays[0].kill()
            var ids: [RequestID] = []
            // So many that each of the shards has some.
            for _ in 0..<24 { ids.append(try await shop.submitted("p")) }
            for id in ids { #expect(try await shop.closed(id).status == "completed") }
            try await Story(system.stores).expectCompleted(ids)
        }
    }
}
