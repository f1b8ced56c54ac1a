import ClientSupport
import QuartetCore
import Testing

/// What every ``RequestStore`` does. Each behaviour wants a fresh fixture.
package enum RequestStoreConformance {
    package static let behaviours: [Conformance<RequestStoreFixture>] = [
        Conformance("a new request is queued in generation 1, with its event", acceptance),
        Conformance("an empty batch is no call", emptyBatches),
        Conformance("an unknown product does not keep its neighbours from being stored", unknownProduct),
        Conformance("a key repeats its first answer, or is refused with another body", keyAcrossCalls),
        Conformance("a key that comes twice in a batch is stored once", keyWithinBatch),
        Conformance("a key whose first submission is refused stays free", keyAfterRefusal),
        Conformance("a request id that comes again is stored once", repeatedID),
        Conformance("one of several submits of a key at once is stored", keyAtOnce),
        Conformance("batches at once with the same keys in another order are stored once", batchesAtOnce),
        Conformance("text that can't be stored fails alone", unstorableText),
        Conformance("a result is kept to the byte, under the version that its event has", finalisation),
        Conformance("finalising again changes nothing", doubleFinalisation),
        Conformance("a request that comes twice in a batch is finalised once", finalisationWithinBatch),
        Conformance("a failed request gets no result", finalisationAfterFailure),
        Conformance("a completed request does not fail", failureAfterFinalisation),
        Conformance("a failure counts only in its generation", failureOfGeneration),
        Conformance("an open request is cancelled once, with its event", cancellation),
        Conformance("what is completed or failed is not cancelled", cancellationOfClosed),
        Conformance("a cancelled request gets no result and does not fail", closingAfterCancellation),
        Conformance("a failed request is dropped, an open one is not", dropping),
        Conformance("a retry opens the next generation, with its event", retrying),
        Conformance("what is open or completed is not retried", retryingOpen),
        Conformance("of a cancellation and a completion at once one wins", cancellationAtOnce),
        Conformance("requests that there are not are said to be unknown", unknownRequests),
        Conformance("of finalisations at once each request sees one", finalisationAtOnce),
        Conformance("the latest result of a product is the one that was completed last", latestResults),
        Conformance("each result of a product has a greater version than the one before", growingVersions),
        Conformance("batches of 512 are stored whole", largeBatches),
    ]

    private static func acceptance(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let submission = Submission(id: .make(), productID: product)
        let request = try #require(try await fixture.requests.submit([submission])[0].accepted)
        #expect(request.id == submission.id)
        #expect(request.productID == product)
        #expect(request.status == .queued)
        #expect(request.generation == 1)
        #expect(request.closedAt == nil)
        #expect(try await fixture.requests.requests([submission.id]) == [request])

        let events = try await fixture.events(.analysisRequested, of: 2)
        #expect(events.count == 1)
        let event = try #require(events.first)
        #expect(event.aggregateID == request.id.description)
        #expect(event.analysis == AnalysisPayload(productID: product, generation: 1))
        #expect(event.version == 1)
        #expect(event.occurredAt.microseconds == request.createdAt.microseconds)
    }

    private static func emptyBatches(_ fixture: RequestStoreFixture) async throws {
        let store = fixture.requests
        #expect(try await store.submit([]).isEmpty)
        #expect(try await store.finalise([]).isEmpty)
        #expect(try await store.fail([]).isEmpty)
        #expect(try await store.requests([]).isEmpty)
        #expect(try await store.results([]).isEmpty)
        #expect(try await store.latestResults(of: []).isEmpty)
    }

    private static func unknownProduct(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let unknown = try #require(ProductID("nowhere"))
        let submissions = [product, unknown, product].map { Submission(id: .make(), productID: $0) }
        let outcomes = try await fixture.requests.submit(submissions)
        #expect(outcomes[0].accepted?.id == submissions[0].id)
        #expect(outcomes[1] == .unknownProduct)
        #expect(outcomes[2].accepted?.id == submissions[2].id)
        #expect(try await fixture.requests.requests([submissions[1].id]) == [nil])
        #expect(try await fixture.events(.analysisRequested, of: 3).count == 2)
    }

    private static func keyAcrossCalls(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let first = try #require(try await fixture.requests.submit([keyed(product, "k", [1])])[0].accepted)
        let outcomes = try await fixture.requests.submit([
            keyed(product, "k", [1]), keyed(product, "k", [2]), keyed(product, "other", [2]),
        ])
        #expect(outcomes[0] == .repeated(first))
        #expect(outcomes[1] == .keyReused)
        #expect(outcomes[2].accepted != nil)
        _ = try await fixture.finalise([first])
        let later = try await fixture.requests.submit([keyed(product, "k", [1])])[0].repeated
        #expect(later?.id == first.id)
        #expect(later?.status == .completed)
        #expect(try await fixture.events(.analysisRequested, of: 4).count == 2)
    }

    private static func keyWithinBatch(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let outcomes = try await fixture.requests.submit([
            keyed(product, "k", [1]), keyed(product, "k", [1]), keyed(product, "k", [2]),
        ])
        let first = try #require(outcomes[0].accepted)
        #expect(outcomes[1] == .repeated(first))
        #expect(outcomes[2] == .keyReused)
        #expect(try await fixture.events(.analysisRequested, of: 2).count == 1)
    }

    private static func keyAfterRefusal(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let unknown = try #require(ProductID("nowhere"))
        let outcomes = try await fixture.requests.submit([keyed(unknown, "k", [1]), keyed(product, "k", [2])])
        #expect(outcomes[0] == .unknownProduct)
        #expect(outcomes[1].accepted != nil)
    }

    private static func repeatedID(_ fixture: RequestStoreFixture) async throws {
        let products = try await fixture.create("p", "q")
        let submission = Submission(id: .make(), productID: products[0])
        let outcomes = try await fixture.requests.submit([submission, submission])
        let first = try #require(outcomes[0].accepted)
        #expect(outcomes[1] == .repeated(first))
        let later = try await fixture.requests.submit([
            submission, Submission(id: submission.id, productID: products[1]),
        ])
        #expect(later == [.repeated(first), .keyReused])
        #expect(try await fixture.events(.analysisRequested, of: 3).count == 1)
    }

    private static func keyAtOnce(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let keys = (0..<20).map { "k\($0)" }
        let outcomes = try await withThrowingTaskGroup(of: [SubmitOutcome].self) { group in
            for _ in 0..<4 {
                group.addTask { try await fixture.requests.submit(keys.map { keyed(product, $0, [1]) }) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for index in keys.indices {
            let accepted = outcomes.compactMap { $0[index].accepted?.id }
            #expect(accepted.count == 1)
            #expect(outcomes.compactMap { $0[index].repeated?.id } == Array(repeating: accepted[0], count: 3))
        }
    }

    private static func batchesAtOnce(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        for round in 0..<8 {
            let keys = (0..<200).map { "\(round)-\($0)" }
            // Ids grow in the order in which they are made.
            let batches = [keys, keys.reversed()].map { keys in keys.map { keyed(product, $0, [1]) } }
            async let first = fixture.requests.submit(batches[0])
            async let second = fixture.requests.submit(batches[1])
            let outcomes = try await first + second
            #expect(outcomes.compactMap(\.accepted).count == keys.count)
            #expect(outcomes.compactMap(\.repeated).count == keys.count)
        }
    }

    private static func unstorableText(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let batcher = Batcher<Submission, SubmitOutcome>(name: "submit") { batch in
            try await fixture.requests.submit(batch).map { .success($0) }
        }
        let submissions = (0..<9).map { keyed(product, $0 == 4 ? "bad\0key" : "key\($0)", [1]) }
        let results = await withTaskGroup(of: (Int, Result<SubmitOutcome, any Error>).self) { group in
            for (index, submission) in submissions.enumerated() {
                group.addTask {
                    do { return (index, .success(try await batcher(submission))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for index in submissions.indices where index != 4 { #expect(try results[index]?.get().accepted != nil) }
        let error = #expect(throws: (any Error).self) { try results[4]?.get() }
        #expect("\(try #require(error))".contains("U+0000"))

        let request = try #require(try results[0]?.get().accepted)
        let failure = RequestFailure(requestID: request.id, generation: 1, message: "a\0b")
        #expect(try await fixture.requests.fail([failure]) == [.closed])
        #expect(try await fixture.requests.requests([request.id])[0]?.failure == "a\u{FFFD}b")
    }

    private static func keyed(_ product: ProductID, _ key: String, _ fingerprint: [UInt8]) -> Submission {
        Submission(
            id: .make(), productID: product, idempotency: IdempotencyKey(key: key, fingerprint: fingerprint))
    }
}
