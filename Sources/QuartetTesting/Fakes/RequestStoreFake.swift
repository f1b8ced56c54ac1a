package import QuartetCore

/// Requests and results in memory.
package struct FakeRequestStore: RequestStore {
    package let database: FakeDatabase

    package init(database: FakeDatabase = FakeDatabase()) {
        self.database = database
    }

    package func submit(_ submissions: [Submission]) async throws -> [SubmitOutcome] {
        try database.run(.submit) { state, transaction in
            for key in submissions.compactMap(\.idempotency?.key) where key.utf8.contains(0) {
                throw FakeDatabaseError("an idempotency key contains U+0000")
            }
            return submissions.map { Self.submit($0, &state, &transaction) }
        }
    }

    package func requests(_ ids: [RequestID]) async throws -> [AnalysisRequest?] {
        try database.run(.requests) { state, _ in ids.map { state.requests[$0] } }
    }

    package func finalise(_ finalisations: [Finalisation]) async throws -> [FinaliseOutcome] {
        try database.run(.finalise) { state, transaction in
            finalisations.map { finalisation in
                let id = finalisation.result.requestID
                guard let request = state.requests[id] else { return FinaliseOutcome(.unknownRequest) }
                guard request.status.isOpen else { return FinaliseOutcome(.alreadyClosed(request.status)) }
                let last = state.results.values.filter { $0.document.productID == request.productID }.map(\.version)
                    .max()
                let version = max(transaction.microseconds, (last ?? 0) + 1)
                Self.close(
                    request, .completed, event: .analysisCompleted, resultVersion: version, &state, &transaction)
                state.results[id] = FakeDatabase.ResultRow(
                    document: ResultDocument(finalisation.result, of: request.productID), version: version)
                return FinaliseOutcome(.closed, resultVersion: version)
            }
        }
    }

    package func fail(_ failures: [RequestFailure]) async throws -> [CloseOutcome] {
        try database.run(.fail) { state, transaction in
            failures.map { failure in
                guard let request = state.requests[failure.requestID] else { return .unknownRequest }
                guard failure.generation <= request.generation else { return .unknownRequest }
                guard failure.generation == request.generation else { return .alreadyClosed(.failed) }
                guard request.status.isOpen else { return .alreadyClosed(request.status) }
                let message = String(failure.message.map { $0 == "\0" ? "\u{FFFD}" : $0 })
                Self.close(request, .failed, failure: message, event: .analysisFailed, &state, &transaction)
                return .closed
            }
        }
    }

    package func cancel(_ ids: [RequestID]) async throws -> [ChangeOutcome] {
        try change(.cancel, ids, from: [.queued]) { request, state, transaction in
            Self.close(request, .cancelled, event: .analysisCancelled, &state, &transaction)
        }
    }

    package func drop(_ ids: [RequestID]) async throws -> [ChangeOutcome] {
        try change(.drop, ids, from: [.failed]) { request, state, transaction in
            Self.close(request, .cancelled, event: .analysisCancelled, &state, &transaction)
        }
    }

    package func retry(_ ids: [RequestID]) async throws -> [ChangeOutcome] {
        try change(.retry, ids, from: [.failed, .cancelled]) { request, state, transaction in
            state.reopen(request, &transaction)
        }
    }

    private func change(
        _ call: FakeDatabase.Call, _ ids: [RequestID], from statuses: Set<RequestStatus>,
        _ body: (AnalysisRequest, inout FakeDatabase.State, inout FakeDatabase.Transaction) -> Void
    ) throws -> [ChangeOutcome] {
        try database.run(call) { state, transaction in
            let changed = Set(ids).sorted().compactMap { state.requests[$0] }.filter { statuses.contains($0.status) }
            for request in changed { body(request, &state, &transaction) }
            var left = Set(changed.map(\.id))
            return ids.map { id in
                guard let request = state.requests[id] else { return .unknownRequest }
                return left.remove(id) != nil ? .changed(request) : .unchanged(request)
            }
        }
    }

    package func results(_ ids: [RequestID]) async throws -> [StoredResult?] {
        try database.run(.results) { state, _ in ids.map { state.results[$0]?.stored } }
    }

    package func latestResults(of products: [ProductID]) async throws -> [StoredResult?] {
        try database.run(.latestResults) { state, _ in
            products.map { product in
                state.results.values.map(\.stored).filter { $0.productID == product }
                    .max { ($0.version, $0.requestID) < ($1.version, $1.requestID) }
            }
        }
    }

    private static func submit(
        _ submission: Submission, _ state: inout FakeDatabase.State, _ transaction: inout FakeDatabase.Transaction
    ) -> SubmitOutcome {
        guard state.products[submission.productID] != nil else { return .unknownProduct }
        if let idempotency = submission.idempotency, let first = state.keys[idempotency.key],
            let request = state.requests[first.request]
        {
            return first.fingerprint == idempotency.fingerprint ? .repeated(request) : .keyReused
        }
        if let first = state.requests[submission.id] {
            return first.productID == submission.productID ? .repeated(first) : .keyReused
        }
        let request = AnalysisRequest(
            id: submission.id, productID: submission.productID, status: .queued, generation: 1,
            createdAt: transaction.date)
        state.requests[request.id] = request
        if let idempotency = submission.idempotency {
            state.keys[idempotency.key] = (request.id, idempotency.fingerprint)
        }
        transaction.write(
            .analysisRequested, request.id.description, state.raiseVersion(of: request.id),
            AnalysisPayload(productID: request.productID, generation: request.generation))
        return .accepted(request)
    }

    private static func close(
        _ request: AnalysisRequest, _ status: RequestStatus, failure: String? = nil, event: EventType,
        resultVersion: Int64? = nil,
        _ state: inout FakeDatabase.State, _ transaction: inout FakeDatabase.Transaction
    ) {
        state.requests[request.id] = AnalysisRequest(
            id: request.id, productID: request.productID, status: status, generation: request.generation,
            createdAt: request.createdAt, closedAt: transaction.date, failure: failure)
        let version = state.raiseVersion(of: request.id)
        guard status == .completed else {
            return transaction.write(
                event, request.id.description, version,
                AnalysisPayload(productID: request.productID, generation: request.generation))
        }
        transaction.write(
            event, request.id.description, version,
            CompletionPayload(
                productID: request.productID, generation: request.generation,
                resultVersion: resultVersion ?? transaction.microseconds))
    }
}
