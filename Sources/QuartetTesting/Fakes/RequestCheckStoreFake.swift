import Foundation
package import QuartetCore

/// What the checker reads and mends of requests and results in memory.
package struct FakeRequestCheckStore: RequestCheckStore {
    private let database: FakeDatabase

    package init(database: FakeDatabase) {
        self.database = database
    }

    package func requests(in range: KeyRange, limit: Int) async throws -> [RequestFacts] {
        try database.run(.checkStore) { state, _ in
            let ids = state.requests.keys.filter(range.contains).sorted().prefix(limit)
            return ids.compactMap { state.requests[$0].map(RequestFacts.init) }
        }
    }

    package func results(in range: KeyRange, limit: Int) async throws -> [ResultFacts] {
        try await documents(in: range, limit: limit).map(\.facts)
    }

    package func documents(in range: KeyRange, limit: Int) async throws -> [ResultDocument] {
        try database.run(.checkStore) { state, _ in
            let ids = state.results.keys.filter(range.contains).sorted().prefix(limit)
            return ids.compactMap { state.results[$0]?.document }
        }
    }

    package func documents(of ids: [RequestID]) async throws -> [ResultDocument?] {
        try database.run(.checkStore) { state, _ in ids.map { state.results[$0]?.document } }
    }

    package func reopened(
        since transaction: UInt64, behind after: RequestID, before start: RequestID, limit: Int
    ) async throws -> [RequestID] {
        try database.run(.checkStore) { state, _ in
            let events = state.outbox.filter { $0.transaction >= transaction }.map(\.event)
            let reopened = events.filter { event in
                event.type == .analysisRequested
                    && (try? event.payload(as: AnalysisPayload.self)).map { $0.generation > 1 } ?? false
            }
            let ids = Set(reopened.compactMap { RequestID($0.aggregateID) }).filter { $0 > after && $0 < start }
            return Array(ids.sorted().prefix(limit))
        }
    }

    package func removeUncompletedResults(_ ids: [RequestID]) async throws -> [RequestID] {
        try database.run(.mend) { state, _ in
            let removed = Set(ids).filter { state.requests[$0]?.status != .completed && state.results[$0] != nil }
            for id in removed { state.results[id] = nil }
            return Array(removed)
        }
    }

    package func replaceResults(_ results: [AnalysisResult]) async throws {
        try database.run(.mend) { state, transaction in
            for result in results {
                guard let request = state.requests[result.requestID], request.status == .completed else { continue }
                let document = ResultDocument(result, of: request.productID)
                guard state.results[request.id]?.document != document else { continue }
                let closedAt = request.closedAt?.timeIntervalSince1970 ?? 0
                let before = state.results[request.id]?.version ?? Int64((closedAt * 1_000_000).rounded())
                state.results[request.id] = FakeDatabase.ResultRow(document: document, version: before + 1)
                transaction.write(
                    .analysisCompleted, request.id.description, state.raiseVersion(of: request.id),
                    CompletionPayload(
                        productID: request.productID, generation: request.generation, resultVersion: before + 1))
            }
        }
    }

    package func runAgain(_ requests: [(id: RequestID, generation: Int)]) async throws {
        try database.run(.mend) { state, transaction in
            for (id, generation) in requests {
                guard let request = state.requests[id], request.status == .completed, request.generation == generation
                else { continue }
                state.reopen(request, &transaction)
                state.results[id] = nil
            }
        }
    }
}

extension ResultDocument {
    /// The row of a result whose request is for `product`.
    init(_ result: AnalysisResult, of product: ProductID) {
        self.init(
            facts: ResultFacts(id: result.requestID, cardCount: result.cardCount, digest: result.digest),
            productID: product, analyzer: result.analyzer, json: result.json)
    }
}

extension FakeDatabase.State {
    /// Opens a request again in its next generation, with the event that queues it.
    mutating func reopen(_ request: AnalysisRequest, _ transaction: inout FakeDatabase.Transaction) {
        let open = AnalysisRequest(
            id: request.id, productID: request.productID, status: .queued, generation: request.generation + 1,
            createdAt: request.createdAt)
        requests[request.id] = open
        transaction.write(
            .analysisRequested, open.id.description, raiseVersion(of: open.id),
            AnalysisPayload(productID: open.productID, generation: open.generation))
    }
}
