import Foundation
import QuartetCore
import QuartetTesting
import SystemTesting
import Testing

@Suite(.serialized) struct CallerFaultTests {
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.request))
    func aCallThatWasCutOffCanBeRepeated(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (first, shop) = try await system.serve(settings: point.settings())
            try await shop.addProduct("p", reviews: 5)
            let known: RequestID? = point == .submitStored ? nil : try await shop.submitted("p", key: "order-1")
            if let known, point == .retryStored {
                #expect(try await shop.call(.delete, "/v1/analyses/\(known)").status == 200)
            }
            await #expect(throws: (any Error).self) { try await call(known, point, at: shop) }
            try await expectKilled(first)

            let (_, again) = try await system.serve()
            let answer = try await call(known, point, at: again)
            let id = try #require(RequestID(try answer.decoded(as: Shop.Submitted.self).id))
            #expect(known == nil || known == id)
            _ = try system.start(["run", "relay", "work", "invalidate"])
            var story = Story(system.stores)
            if point == .cancelStored {
                #expect(answer.status == 200)
                try await story.expectCancelled([id])
            } else {
                #expect(answer.status == 202)
                if point == .submitStored { #expect(answer.header("Idempotency-Replayed") == "true") }
                #expect(try await again.closed(id).status == "completed")
                story.cancellationsBefore = point == .retryStored ? 1 : 0
                try await story.expectCompleted([id])
            }
            #expect(try await system.stores.count("analysis.analysis_requests") == 1)
            try await system.expectConsistency()
        }
    }

    @discardableResult
    private func call(_ id: RequestID?, _ point: Failpoint, at shop: Shop) async throws -> Shop.Answer {
        guard let id else { return try await shop.submit("p", key: "order-1") }
        return point == .cancelStored
            ? try await shop.call(.delete, "/v1/analyses/\(id)")
            : try await shop.call(.post, "/v1/analyses/\(id)/retry")
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.invalidation))
    func anInvalidationIsDoneAgain(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: ["relay", "work"])
            try await shop.addProduct("p", reviews: 5)
            let old = try await shop.submitted("p")
            #expect(try await shop.closed(old).status == "completed")
            let cached = try await shop.call(.get, "/v1/products/p/analysis")
            #expect(cached.text.contains("\(old)"))
            if point == .eventSetAside { try await system.stores.send("poison", to: .analysis, asEvent: false) }

            try await expectKilled(try system.start(["invalidate"], settings: point.settings()))
            let new = try await shop.submitted("p")
            #expect(try await shop.closed(new).status == "completed")
            _ = try system.start(["invalidate"])
            try await Story(system.stores).expectCompleted([old, new])
            let fresh = try await shop.call(.get, "/v1/products/p/analysis")
            #expect(fresh.text.contains("\(new)"))
            try await system.expectConsistency()
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.catalogue))
    func aCatalogueCanBeHandedInAgain(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (first, shop) = try await system.serve(settings: point.settings())
            await #expect(throws: (any Error).self) { try await shop.addProduct("p", reviews: 5) }
            try await expectKilled(first)
            #expect(try await system.stores.count("catalog.products") == 1)
            let stored = try await system.stores.documents("raw_reviews").count
            #expect(stored == (point == .reviewsStored ? 5 : 0))

            let (_, again) = try await system.serve(with: ["relay", "work", "invalidate"])
            try await again.addProduct("p", reviews: 5)
            let id = try await again.submitted("p")
            #expect(try await again.closed(id).status == "completed")
            try await Story(system.stores).expectCompleted([id])
            #expect(try await system.stores.documents("raw_reviews").count == 5)
            try await system.expectConsistency()
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.lookup))
    func aReaderThatWasCutOffReadsNothingOld(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (first, shop) = try await system.serve(settings: point.settings())
            _ = try system.start(["run", "relay", "invalidate"])
            try await shop.addProduct("p", reviews: 5)
            // The cache is filled once invalidations are known to flow.
            await #expect(throws: (any Error).self) {
                while true { _ = try await shop.call(.get, "/v1/products/p") }
            }
            try await expectKilled(first)

            let (_, again) = try await system.serve()
            #expect(try await again.call(.get, "/v1/products/p").status == 200)
            #expect(try await again.call(.put, "/v1/products/p", json: #"{"name": "new"}"#).status == 200)
            #expect(try await again.call(.get, "/v1/products/p").text.contains("new"))
            try await system.expectConsistency()
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.drop))
    func aDropThatWasCutOffCanBeRepeated(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (first, shop) = try await system.serve(settings: point.settings())
            _ = try system.start(["run", "relay", "work", "invalidate"])
            try await shop.addProduct("p", reviews: 5)
            try await system.stores.removeReviews(of: "p")
            let id = try await shop.submitted("p")
            #expect(try await shop.closed(id).status == "failed")
            try await Story(system.stores).expectFailed([id])
            await #expect(throws: (any Error).self) { try await shop.call(.delete, "/v1/dead/\(id)") }
            try await expectKilled(first)

            let (_, again) = try await system.serve()
            #expect(try await again.call(.delete, "/v1/dead/\(id)").status == 200)
            try await Story(system.stores).expectCancelled([id])
            try await system.expectConsistency()
        }
    }
}
