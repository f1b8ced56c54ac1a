import QuartetCore
import Testing

/// The part of the suite about cancelling, dropping and retrying requests.
extension RequestStoreConformance {
    static func cancellation(_ fixture: RequestStoreFixture) async throws {
        let requests = try await fixture.submit(fixture.create("p", "q"))
        let id = requests[0].id
        let outcomes = try await fixture.requests.cancel([id, id, .make()])
        let cancelled = try #require(outcomes[0].changed)
        #expect(cancelled.status == .cancelled)
        #expect(cancelled.closedAt != nil)
        #expect(cancelled.failure == nil)
        #expect(outcomes[1...] == [.unchanged(cancelled), .unknownRequest])
        #expect(try await fixture.requests.cancel([id]) == [.unchanged(cancelled)])
        #expect(try await fixture.requests.requests(requests.map(\.id)) == [cancelled, requests[1]])
        #expect(try await fixture.requests.cancel([]).isEmpty)

        let events = try await fixture.events(.analysisCancelled, of: 5)
        #expect(events.map(\.aggregateID) == [id.description])
        #expect(events.map(\.analysis?.generation) == [1])
        #expect(events.map(\.version) == [2])
    }

    static func cancellationOfClosed(_ fixture: RequestStoreFixture) async throws {
        let requests = try await fixture.submit(fixture.create("p", "q"))
        let ids = requests.map(\.id)
        _ = try await fixture.finalise([requests[0]])
        _ = try await fixture.requests.fail([RequestFailure(requestID: ids[1], generation: 1, message: "no luck")])
        let closed = try await fixture.requests.requests(ids).compactMap { $0 }
        #expect(try await fixture.requests.cancel(ids) == closed.map { .unchanged($0) })
        #expect(closed.map(\.status) == [.completed, .failed])
        #expect(try await fixture.events(.analysisCancelled, of: 6).isEmpty)
    }

    static func closingAfterCancellation(_ fixture: RequestStoreFixture) async throws {
        let request = try await fixture.submit(fixture.create("p"))[0]
        let cancelled = try #require(try await fixture.requests.cancel([request.id])[0].changed)
        #expect(try await fixture.finalise([request]) == [.alreadyClosed(.cancelled)])
        let failure = RequestFailure(requestID: request.id, generation: 1, message: "late")
        #expect(try await fixture.requests.fail([failure]) == [.alreadyClosed(.cancelled)])
        #expect(try await fixture.requests.requests([request.id]) == [cancelled])
        #expect(try await fixture.requests.results([request.id]) == [nil])
        _ = try await fixture.drain(count: 3)
    }

    static func dropping(_ fixture: RequestStoreFixture) async throws {
        let requests = try await fixture.submit(fixture.create("p", "q"))
        let ids = requests.map(\.id)
        _ = try await fixture.requests.fail([RequestFailure(requestID: ids[0], generation: 1, message: "no luck")])
        let outcomes = try await fixture.requests.drop(ids + [.make()])
        let dropped = try #require(outcomes[0].changed)
        #expect(dropped.status == .cancelled)
        #expect(dropped.failure == nil)
        #expect(outcomes[1...] == [.unchanged(requests[1]), .unknownRequest])
        #expect(try await fixture.requests.drop([ids[0]]) == [.unchanged(dropped)])
        #expect(try await fixture.events(.analysisCancelled, of: 6).map(\.aggregateID) == [ids[0].description])
    }

    static func retrying(_ fixture: RequestStoreFixture) async throws {
        let requests = try await fixture.submit(fixture.create("p", "q"))
        let ids = requests.map(\.id)
        _ = try await fixture.requests.fail([RequestFailure(requestID: ids[0], generation: 1, message: "no luck")])
        _ = try await fixture.requests.cancel([ids[1]])
        let reopened = try await fixture.requests.retry([ids[1], ids[0], ids[0]])
        let second = try #require(reopened[0].changed)
        let first = try #require(reopened[1].changed)
        #expect(reopened[2] == .unchanged(first))
        for request in [first, second] {
            #expect(request.status == .queued)
            #expect(request.generation == 2)
            #expect(request.closedAt == nil)
            #expect(request.failure == nil)
        }
        #expect([first.createdAt, second.createdAt] == requests.map(\.createdAt))

        // What is left of the first generation changes nothing.
        let late = RequestFailure(requestID: ids[0], generation: 1, message: "late")
        #expect(try await fixture.requests.fail([late]) == [.alreadyClosed(.failed)])
        #expect(try await fixture.requests.requests([ids[0]]) == [first])
        #expect(try await fixture.finalise([requests[0]]) == [.closed])
        let events = try await fixture.events(.analysisRequested, of: 9)
        #expect(events.count == 4)
        for id in ids {
            let own = events.filter { $0.aggregateID == id.description }
            #expect(own.map(\.analysis?.generation) == [1, 2])
            #expect(own.map(\.version) == [1, 3])
        }
    }

    static func retryingOpen(_ fixture: RequestStoreFixture) async throws {
        let requests = try await fixture.submit(fixture.create("p", "q"))
        _ = try await fixture.finalise([requests[1]])
        let before = try await fixture.requests.requests(requests.map(\.id)).compactMap { $0 }
        let unknown = RequestID.make()
        #expect(
            try await fixture.requests.retry(requests.map(\.id) + [unknown])
                == before.map { .unchanged($0) } + [.unknownRequest])
        #expect(try await fixture.events(.analysisRequested, of: 5).count == 2)
    }

    static func cancellationAtOnce(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let requests = try await fixture.submit(Array(repeating: product, count: 32))
        async let finalised = fixture.finalise(requests)
        async let cancelled = fixture.requests.cancel(requests.map(\.id).reversed())
        let (completions, cancellations) = try await (finalised, Array(cancelled.reversed()))
        let ids = requests.map(\.id)
        let after = try await fixture.requests.requests(ids)
        let results = try await fixture.requests.results(ids)
        for index in requests.indices {
            let isCompleted = completions[index] == .closed
            #expect(isCompleted == (cancellations[index].changed == nil))
            #expect(after[index]?.status == (isCompleted ? .completed : .cancelled))
            #expect((results[index] != nil) == isCompleted)
        }
        _ = try await fixture.drain(count: 65)
    }
}

extension ChangeOutcome {
    fileprivate var changed: AnalysisRequest? {
        if case .changed(let request) = self { request } else { nil }
    }
}
