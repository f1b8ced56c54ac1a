import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Events that were put aside, and events that are handed off again, by hand.
@Suite(.serialized) struct EventCommandTests {
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.letters))
    func lettersAreListedRedrivenAndDroppedOnce(_ point: Failpoint) async throws {
        try await QuartetSystem.withPrivateStack { stack in
            try await QuartetSystem.run(on: stack) { system in
                let (_, shop) = try await system.serve(with: ["relay", "work", "invalidate"])
                try await shop.addProduct("p", reviews: 2)
                let first = try await shop.submitted("p")
                #expect(try await shop.closed(first).status == "completed")
                #expect(try await system.finish(["events", "dead", "list", "--json"]).isEmpty)
                try await system.stores.send("no \u{1B}[31mJSON", to: .analysis, asEvent: true)
                let letter = try await listed(system, count: 1)[0]
                #expect(letter.reason.contains("is not JSON with product_id"))
                let shown = try await system.finish(["events", "dead", "show", letter.event])
                #expect(shown.contains("ce_type: analysis.completed") && !shown.contains("\u{1B}"))

                // Whoever sends it again dies before that is recorded; then it is sent once more, which changes nothing.
                let cut = try system.start(["events", "dead", "redrive", "--all"], settings: point.settings())
                #expect(try await cut.waitForEnd() == .signal(SIGKILL))
                _ = try await listed(system, count: 2)
                _ = try await system.finish(["events", "dead", "redrive", letter.event])
                let again = try await listed(system, count: 2)
                #expect(!again.map(\.event).contains(letter.event))
                let twice = try system.start(["events", "dead", "redrive", letter.event])
                #expect(try await twice.waitForEnd() == .status(1))

                _ = try await system.finish(["events", "dead", "drop", "--all"])
                #expect(try await system.finish(["events", "dead", "list", "--json"]).isEmpty)
                #expect(try await system.finish(["events", "dead", "redrive", "--all", "--json"]).isEmpty)
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func eventsAreHandedOffAgain() async throws {
        try await QuartetSystem.withPrivateStack { stack in
            try await QuartetSystem.run(on: stack) { system in
                let (_, shop) = try await system.serve(with: ["relay", "work", "invalidate"])
                try await shop.addProduct("p", reviews: 2)
                let ids = [try await shop.submitted("p"), try await shop.submitted("p")]
                for id in ids { #expect(try await shop.closed(id).status == "completed") }
                try await Story(system.stores).expectCompleted(ids)
                // All of one aggregate, to one sink.
                let told = try await system.finish([
                    "events", "replay", "--aggregate", "\(ids[0])", "--sink", "events", "--json",
                ])
                #expect(told.contains(#""dropship.events":2"#) && !told.contains("queue"))
                // A completed analysis is not run again by its request's event.
                let queued = try await system.finish([
                    "events", "replay", "--type", "analysis.requested", "--since", "1h", "--json",
                ])
                #expect(queued.contains(#""dropship.queue":2"#) && queued.contains(#""dropship.events":2"#))
                for id in ids {
                    try await eventually("the task of \(id) is gone") { try await system.stores.task(of: id) == nil }
                    #expect(try await shop.closed(id).status == "completed")
                }
                let unknown = try system.start(["events", "replay", "--type", "analysis.exploded"])
                #expect(try await unknown.waitForEnd() != .status(0))
                #expect(unknown.log.contains("analysis.exploded is no type of event; there are analysis.requested"))
            }
        }
    }

    private struct Listed: Decodable {
        let event: String
        let reason: String
    }

    private func listed(_ system: QuartetSystem, count: Int) async throws -> [Listed] {
        try await eventually("\(count) events were put aside") { () -> [Listed]? in
            let lines = try await system.finish(["events", "dead", "list", "--json"]).split(separator: "\n")
            guard lines.count == count else { return nil }
            return try lines.map { try JSONDecoder().decode(Listed.self, from: Data($0.utf8)) }
        }
    }
}
