import QuartetCore
import Testing

/// The part of the suite about closing requests.
extension RequestStoreConformance {
    static func finalisation(_ fixture: RequestStoreFixture) async throws {
        let request = try await fixture.submit(fixture.create("p"))[0]
        let result = fixture.result(of: request, keyword: "weich \"\0\u{1F600}\\")
        #expect(try await fixture.requests.results([request.id]) == [nil])
        #expect(try await fixture.requests.finalise([Finalisation(result: result)])[0].close == .closed)

        let stored = try #require(try await fixture.requests.results([request.id])[0])
        #expect(stored.json == result.json)
        #expect(stored.requestID == request.id)
        #expect(stored.productID == request.productID)
        let completed = try #require(try await fixture.requests.requests([request.id])[0])
        #expect(completed.status == .completed)
        #expect(completed.closedAt?.microseconds == stored.version)
        #expect(completed.failure == nil)

        let event = try #require(try await fixture.events(.analysisCompleted, of: 3).first)
        #expect(event.version == 2)
        #expect(event.aggregateID == request.id.description)
        #expect(
            event.completion
                == CompletionPayload(productID: request.productID, generation: 1, resultVersion: stored.version))
    }

    static func doubleFinalisation(_ fixture: RequestStoreFixture) async throws {
        let request = try await fixture.submit(fixture.create("p"))[0]
        #expect(try await fixture.finalise([request], cardCount: 3) == [.closed])
        let stored = try await fixture.requests.results([request.id])
        #expect(try await fixture.finalise([request], cardCount: 4) == [.alreadyClosed(.completed)])
        #expect(try await fixture.requests.results([request.id]) == stored)
        #expect(try await fixture.events(.analysisCompleted, of: 3).count == 1)
    }

    static func finalisationWithinBatch(_ fixture: RequestStoreFixture) async throws {
        let requests = try await fixture.submit(fixture.create("p", "q"))
        let outcomes = try await fixture.finalise([requests[0], requests[1], requests[0]])
        #expect(outcomes == [.closed, .closed, .alreadyClosed(.completed)])
        #expect(try await fixture.events(.analysisCompleted, of: 6).count == 2)
    }

    static func finalisationAfterFailure(_ fixture: RequestStoreFixture) async throws {
        let requests = try await fixture.submit(fixture.create("p", "q"))
        let failure = RequestFailure(requestID: requests[0].id, generation: 1, message: "out of luck")
        #expect(try await fixture.requests.fail([failure]) == [.closed])
        #expect(try await fixture.finalise(requests) == [.alreadyClosed(.failed), .closed])
        #expect(try await fixture.requests.results(requests.map(\.id)).map { $0 != nil } == [false, true])
        let failed = try #require(try await fixture.requests.requests([requests[0].id])[0])
        #expect(failed.status == .failed)
        #expect(failed.failure == "out of luck")
        #expect(failed.closedAt != nil)
        #expect(try await fixture.events(.analysisFailed, of: 6).map(\.aggregateID) == [requests[0].id.description])
    }

    static func failureAfterFinalisation(_ fixture: RequestStoreFixture) async throws {
        let request = try await fixture.submit(fixture.create("p"))[0]
        _ = try await fixture.finalise([request])
        let failure = RequestFailure(requestID: request.id, generation: 1, message: "late")
        #expect(
            try await fixture.requests.fail([failure, failure])
                == Array(repeating: .alreadyClosed(.completed), count: 2))
        #expect(try await fixture.requests.requests([request.id])[0]?.status == .completed)
        #expect(try await fixture.events(.analysisFailed, of: 3).isEmpty)
    }

    static func failureOfGeneration(_ fixture: RequestStoreFixture) async throws {
        let request = try await fixture.submit(fixture.create("p"))[0]
        let later = RequestFailure(requestID: request.id, generation: 2, message: "not yet")
        let earlier = RequestFailure(requestID: request.id, generation: 0, message: "before")
        #expect(try await fixture.requests.fail([later]) == [.unknownRequest])
        #expect(try await fixture.requests.fail([earlier]) == [.alreadyClosed(.failed)])
        #expect(try await fixture.requests.requests([request.id]) == [request])
    }

    static func unknownRequests(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let request = try await fixture.submit([product])[0]
        let unknown = AnalysisRequest(
            id: .make(), productID: product, status: .queued, generation: 1, createdAt: request.createdAt)
        #expect(try await fixture.finalise([unknown, request]) == [.unknownRequest, .closed])
        let failure = RequestFailure(requestID: unknown.id, generation: 1, message: "x")
        #expect(try await fixture.requests.fail([failure]) == [.unknownRequest])
        #expect(try await fixture.requests.requests([unknown.id, request.id]).map { $0 != nil } == [false, true])
        #expect(try await fixture.requests.results([unknown.id]) == [nil])
        #expect(try await fixture.events(.analysisCompleted, of: 3).count == 1)
    }

    static func finalisationAtOnce(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let requests = try await fixture.submit(Array(repeating: product, count: 64))
        let outcomes = try await withThrowingTaskGroup(of: [RequestID: CloseOutcome].self) { group in
            for _ in 0..<4 {
                let order = requests.shuffled()
                group.addTask {
                    Dictionary(uniqueKeysWithValues: zip(order.map(\.id), try await fixture.finalise(order)))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for request in requests {
            let seen = outcomes.compactMap { $0[request.id] }
            #expect(seen.count { $0 == .closed } == 1)
            #expect(seen.count { $0 == .alreadyClosed(.completed) } == 3)
        }
        #expect(try await fixture.events(.analysisCompleted, of: 129).count == 64)
    }

    static func latestResults(_ fixture: RequestStoreFixture) async throws {
        let products = try await fixture.create("p", "q", "r")
        let older = try await fixture.submit([products[0], products[1]])
        let newer = try await fixture.submit([products[0]])
        _ = try await fixture.finalise(newer)
        _ = try await fixture.finalise(older)
        let latest = try await fixture.requests.latestResults(of: [products[2], products[0], products[1], products[0]])
        #expect(latest.map { $0?.requestID } == [nil, older[0].id, older[1].id, older[0].id])
        #expect(try await fixture.requests.results([older[0].id]) == [latest[1]])
    }

    static func growingVersions(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let requests = try await fixture.submit(Array(repeating: product, count: 6)).sorted { $0.id < $1.id }
        var versions: [Int64] = []
        for batch in [requests[0..<1], requests[1..<5], requests[5..<6]] {
            let outcomes = try await fixture.requests.finalise(
                batch.map { Finalisation(result: fixture.result(of: $0, cardCount: 1)) })
            versions += outcomes.compactMap(\.resultVersion)
        }
        #expect(versions.count == 6 && versions == Set(versions).sorted())
        #expect(try await fixture.requests.results(requests.map(\.id)).map { $0?.version } == versions)
        let again = try await fixture.requests.finalise([
            Finalisation(result: fixture.result(of: requests[0], cardCount: 1))
        ])
        #expect(again == [FinaliseOutcome(.alreadyClosed(.completed))])
    }

    static func largeBatches(_ fixture: RequestStoreFixture) async throws {
        let products = try await fixture.create("p", "q", "r")
        let requests = try await fixture.submit((0..<512).map { products[$0 % 3] })
        #expect(try await fixture.requests.requests(requests.map(\.id)) == requests)
        #expect(try await fixture.finalise(requests) == Array(repeating: .closed, count: 512))
        let results = try await fixture.requests.results(requests.map(\.id))
        #expect(results.map { $0?.requestID } == requests.map(\.id))
        #expect(try await fixture.events(.analysisCompleted, of: 3 + 2 * 512).count == 512)
    }
}
