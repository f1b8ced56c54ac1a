import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Cancelling, retrying and dropping, over the real stores.
@Suite struct ChangeTests {
    private let roles = ["relay", "work", "invalidate"]

    /// Told: the lease is longer than the test waits.
    @Test(.timeLimit(.minutes(3)))
    func aCancellationReachesARunningWorker() async throws {
        let settings = ["WORKER_REVIEWS_PER_CHUNK": "1", "WORKER_LEASE_DURATION": "600s"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (process, shop) = try await system.serve(with: roles)
            try await shop.addProduct("p", reviews: 10_000)
            let id = try await shop.submitted("p")
            async let told = shop.lastEvent(of: id)
            try await eventually("some cards are stored") { try await system.stores.cards(of: id).count >= 10 }

            let started = ContinuousClock.now
            let answer = try await shop.call(.delete, "/v1/analyses/\(id)")
            #expect(answer.status == 200)
            #expect(try answer.decoded(as: Shop.Analysis.self).status == "cancelled")
            try await eventually("the worker stops") { process.log.contains("lease lost, work stopped") }
            #expect(try await told == ServerSentEvent(name: "end", data: #"{"status":"cancelled"}"#))
            print("a cancelled analysis ended \(started.duration(to: .now)) after the call")

            try await Story(system.stores).expectCancelled([id])
            #expect(try await system.stores.cards(of: id).count < 10_000)
            #expect(try await shop.call(.delete, "/v1/analyses/\(id)").body == answer.body)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func whatFailedIsListedAndRetriedOrDropped() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: roles)
            let environment = ["QUARTET_API_URL": shop.url]
            func quartet(_ arguments: String...) async throws -> String {
                try await system.finish(arguments, settings: environment)
            }
            try await shop.addProduct("p", reviews: 5)
            try await shop.addProduct("q", reviews: 5)
            #expect(try await quartet("dead", "list", "--json").isEmpty)
            for product in ["p", "q"] { try await system.stores.removeReviews(of: product) }
            let ids = [try await shop.submitted("p"), try await shop.submitted("q")]
            for id in ids { #expect(try await shop.closed(id).status == "failed") }
            try await Story(system.stores).expectFailed(ids)
            #expect(try await shop.call(.delete, "/v1/analyses/\(ids[0])").status == 409)

            let list = try await quartet("dead", "list").split(separator: "\n")
            #expect(list.count == 3)
            #expect(list[1].contains("\(ids[0])") && list[1].contains("product p has no reviews"))
            #expect(try await quartet("dead", "list", "--json").split(separator: "\n").count == 2)
            let shown = try await quartet("dead", "show", "\(ids[1])", "--json")
            #expect(shown.contains(#""attempts":1"#) && shown.contains("product q has no reviews"))

            try await shop.addProduct("p", reviews: 7)
            #expect(try await quartet("dead", "retry", "\(ids[0])") == "\(ids[0]): queued\n")
            #expect(try await shop.closed(ids[0]).status == "completed")
            #expect(try await shop.toldToTheEnd(of: ids[0]) == (0..<7).map { "\($0)" })
            var story = Story(system.stores)
            story.failuresBefore = 1
            try await story.expectCompleted([ids[0]])

            #expect(try await quartet("dead", "drop", "--all") == "\(ids[1]): dropped\n")
            try await Story(system.stores).expectCancelled([ids[1]])
            #expect(try await quartet("dead", "list", "--json").isEmpty)
            let again = try system.start(["dead", "retry", "\(ids[0])"], settings: environment)
            #expect(try await again.waitForEnd() == .status(1))
            #expect(again.log.contains("completed"))
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func manyAreCancelledWhileTheyRunAndTriedAgain() async throws {
        // So few at once that those which are cancelled wait or run.
        let settings = ["WORKER_REVIEWS_PER_CHUNK": "3", "WORKER_TASKS_MAX": "6"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: roles)
            try await shop.addProduct("p", reviews: 150)
            var ids: [RequestID] = []
            for _ in 0..<40 { ids.append(try await shop.submitted("p")) }
            let output = try await system.finish(
                ["cancel", "--json"] + ids[20...].map(\.description), settings: ["QUARTET_API_URL": shop.url])
            #expect(output.split(separator: "\n").count { $0.contains(#""status":"cancelled""#) } == 20)
            for id in ids[..<20] { #expect(try await shop.closed(id).status == "completed") }
            try await Story(system.stores).expectCancelled(Array(ids[20...]))
            for id in ids[20...] {
                #expect(try await shop.call(.post, "/v1/analyses/\(id)/retry").status == 202)
            }
            for id in ids[20...] { #expect(try await shop.closed(id).status == "completed") }
            var story = Story(system.stores)
            try await story.expectCompleted(Array(ids[..<20]))
            story.cancellationsBefore = 1
            try await story.expectCompleted(Array(ids[20...]))
        }
    }
}

extension Shop {
    /// The event with which the stream of an analysis ends.
    fileprivate func lastEvent(of id: RequestID) async throws -> ServerSentEvent? {
        var last: ServerSentEvent?
        _ = try await events(of: id) { event in
            last = event
            return true
        }
        return last
    }
}
