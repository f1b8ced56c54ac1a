import HTTPTypes
import QuartetCore
import QuartetTesting
import Testing

@Suite struct ChangeTests {
    private let api = APIFixture()

    private func submit() async throws -> QuartetCore.RequestID {
        try await api.addReviews()
        let id = RequestID.make()
        _ = try await api.requests.submit([Submission(id: id, productID: api.product)])
        return id
    }

    private func fail(_ id: QuartetCore.RequestID, _ message: String = "no luck", generation: Int = 1) async throws {
        let task = AnalysisTask(requestID: id, productID: api.product, generation: generation)
        try await api.queue.enqueue([task])
        let claim = try #require(
            try await api.queue.claim(limit: 1, worker: "w", leaseDuration: .seconds(10)).first)
        _ = try await api.requests.fail([RequestFailure(requestID: id, generation: generation, message: message)])
        _ = try await api.queue.bury([TaskBurial(lease: claim.lease, error: message)])
    }

    @Test func anOpenAnalysisIsCancelledAndCancellingAgainIsTheSame() async throws {
        let id = try await submit()
        try await api.run { caller in
            let first = try await caller.call(.delete, "/v1/analyses/\(id)")
            #expect(first.status == 200)
            #expect(first.json["status"] as? String == "cancelled")
            let second = try await caller.call(.delete, "/v1/analyses/\(id)")
            #expect(second.status == 200)
            #expect(second.text == first.text)
            let seen = try await caller.call(.get, "/v1/analyses/\(id)")
            #expect(seen.text == first.text)
        }
    }

    @Test func whatIsOverOrUnknownIsNotCancelled() async throws {
        let id = try await submit()
        try await fail(id)
        try await api.run { caller in
            let failed = try await caller.call(.delete, "/v1/analyses/\(id)")
            #expect(failed.status == 409)
            #expect(failed.problem == "analysis-failed")
            let unknown = try await caller.call(.delete, "/v1/analyses/\(RequestID.make())")
            #expect(unknown.status == 404)
            #expect(unknown.problem == "unknown-analysis")
            let nonsense = try await caller.call(.delete, "/v1/analyses/nonsense")
            #expect(nonsense.problem == "bad-analysis-id")
        }
        #expect(try await api.requests.requests([id])[0]?.status == .failed)
    }

    @Test func aRetryBeginsTheNextGenerationAndRetryingAgainIsTheSame() async throws {
        let id = try await submit()
        try await api.progress.report([Progress(requestID: id, done: 3, total: 9, phase: .failed)])
        try await fail(id)
        try await api.run { caller in
            let first = try await caller.call(.post, "/v1/analyses/\(id)/retry")
            #expect(first.status == 202)
            #expect(first.json["status"] as? String == "queued")
            #expect(first.json["generation"] as? Int == 2)
            let second = try await caller.call(.post, "/v1/analyses/\(id)/retry")
            #expect(second.status == 202)
            #expect(second.text == first.text)
            // What the first generation came to is no progress of the second.
            let queued = try await caller.call(.get, "/v1/analyses/\(id)")
            #expect(queued.json["status"] as? String == "queued")
            try await api.progress.report([Progress(requestID: id, generation: 2, done: 1, total: 9)])
            let running = try await caller.call(.get, "/v1/analyses/\(id)")
            #expect(running.json["status"] as? String == "running")
            #expect(running.json["progress"] as? [String: Int] == ["done": 3, "total": 9])
        }
    }

    @Test func aCancelledAnalysisCanBeRetriedAndACompletedOneCannot() async throws {
        let id = try await submit()
        try await api.run { caller in
            _ = try await caller.call(.delete, "/v1/analyses/\(id)")
            let retried = try await caller.call(.post, "/v1/analyses/\(id)/retry")
            #expect(retried.status == 202)
            let session = AnalysisSession(
                requestID: id, productID: api.product, manifest: [],
                analyzer: AnalyzerIdentity(name: "test", version: "1"))
            let result = Fold.result(of: [], session: session)
            #expect(try await api.requests.finalise([Finalisation(result: result)]) == [.closed])
            let completed = try await caller.call(.post, "/v1/analyses/\(id)/retry")
            #expect(completed.status == 409)
            #expect(completed.problem == "analysis-completed")
            let unknown = try await caller.call(.post, "/v1/analyses/\(RequestID.make())/retry")
            #expect(unknown.status == 404)
        }
    }

    @Test func failedAnalysesAreListedInPages() async throws {
        var ids: [QuartetCore.RequestID] = []
        for number in 0..<5 {
            ids.append(try await submit())
            try await fail(ids[number], "error \(number)")
        }
        // Its dead task is still there.
        _ = try await api.requests.retry([ids[1]])
        let expected = ids
        try await api.run { caller in
            let first = try await caller.call(.get, "/v1/dead?limit=3")
            #expect(first.status == 200)
            let dead = try #require(first.json["dead"] as? [[String: Any]])
            #expect(dead.compactMap { $0["id"] as? String } == [expected[0], expected[2]].map(\.description))
            #expect(dead.compactMap { $0["error"] as? String } == ["error 0", "error 2"])
            #expect(dead.compactMap { $0["attempts"] as? Int } == [1, 1])
            #expect(dead.compactMap { $0["product_id"] as? String } == ["p-1", "p-1"])
            #expect(dead.allSatisfy { $0["failed_at"] is String })
            let next = try #require(first.json["next"] as? String)
            let rest = try await caller.call(.get, "/v1/dead?limit=3&after=\(next)")
            let others = try #require(rest.json["dead"] as? [[String: Any]])
            #expect(others.compactMap { $0["id"] as? String } == expected[3...].map(\.description))
            #expect(rest.json["next"] == nil)
            let bad = try await caller.call(.get, "/v1/dead?after=x")
            #expect(bad.problem == "bad-analysis-id")
        }
    }

    @Test func aFailedAnalysisIsShownAndDropped() async throws {
        let id = try await submit()
        try await api.run { caller in
            let alive = try await caller.call(.get, "/v1/dead/\(id)")
            #expect(alive.status == 404)
            #expect(alive.problem == "not-dead")
            let running = try await caller.call(.delete, "/v1/dead/\(id)")
            #expect(running.status == 409)
            _ = try await api.cards.insert([CardSegment([APIFixture.card(id, 0), APIFixture.card(id, 1)])])
            try await fail(id, "it broke")
            let shown = try await caller.call(.get, "/v1/dead/\(id)")
            #expect(shown.json["error"] as? String == "it broke")
            #expect(shown.json["cards"] as? Int == 2)
            #expect(shown.json["attempts"] as? Int == 1)
            let dropped = try await caller.call(.delete, "/v1/dead/\(id)")
            #expect(dropped.status == 200)
            #expect(dropped.json["status"] as? String == "cancelled")
            let again = try await caller.call(.delete, "/v1/dead/\(id)")
            #expect(again.text == dropped.text)
            let list = try await caller.call(.get, "/v1/dead")
            #expect((list.json["dead"] as? [[String: Any]])?.isEmpty == true)
            let unknown = try await caller.call(.delete, "/v1/dead/\(RequestID.make())")
            #expect(unknown.status == 404)
        }
    }

    @Test func withoutTheQueueTheDeadCannotBeListed() async throws {
        api.queue.failNext(.dead, with: Away())
        try await api.run { caller in
            let answer = try await caller.call(.get, "/v1/dead")
            #expect(answer.status == 503)
        }
    }
}
