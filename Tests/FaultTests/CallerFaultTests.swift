import Foundation
import QuartetCore
import QuartetTesting
import SystemTesting
import Testing

@Suite(.serialized) struct CallerFaultTests {
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of("serve"))
    func aCallThatWasCutOffCanBeRepeated(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            _ = try system.start(["run", "relay", "work", "invalidate"])
            let (first, shop) = try await system.serve(settings: point.settings())
            try await shop.addProduct("p", reviews: 5)
            await #expect(throws: (any Error).self) { try await shop.submit("p", key: "order-1") }
            try await expectKilled(first)
            #expect(try await system.stores.count("analysis.analysis_requests") == 1)

            let (_, again) = try await system.serve()
            let answer = try await again.submit("p", key: "order-1")
            #expect(answer.status == 202)
            #expect(answer.header("Idempotency-Replayed") == "true")
            let id = try #require(RequestID(try answer.decoded(as: Shop.Submitted.self).id))
            #expect(try await again.closed(id).status == "completed")
            try await Story(system.stores).expectCompleted([id])
            #expect(try await system.stores.count("analysis.analysis_requests") == 1)
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of("invalidate"))
    func anInvalidationIsDoneAgain(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: ["relay", "work"])
            try await shop.addProduct("p", reviews: 5)
            let old = try await shop.submitted("p")
            #expect(try await shop.closed(old).status == "completed")
            let cached = try await shop.call(.get, "/v1/products/p/analysis")
            #expect(cached.text.contains("\(old)"))

            try await expectKilled(try system.start(["invalidate"], settings: point.settings()))
            let new = try await shop.submitted("p")
            #expect(try await shop.closed(new).status == "completed")
            _ = try system.start(["invalidate"])
            try await Story(system.stores).expectCompleted([old, new])
            let fresh = try await shop.call(.get, "/v1/products/p/analysis")
            #expect(fresh.text.contains("\(new)"))
        }
    }

    @Test func everyFailpointIsOfARoleThatIsKilledHere() {
        let roles = ["serve", "relay", "work", "invalidate"]
        #expect(roles.flatMap(Failpoint.of).count == Failpoint.allCases.count)
    }
}
