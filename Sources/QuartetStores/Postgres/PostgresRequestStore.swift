import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// Requests and results in PostgreSQL. Each batch that meets no exception is one statement and one round trip.
package struct PostgresRequestStore: RequestStore {
    /// Longer error texts of failed requests are cut.
    package static let failureBytesMax = 4096

    let submitRequests, knownProducts, submittedBefore: StoreStatement
    let cancelRequests, retryRequests: StoreStatement
    private let requestsByID, finaliseRequests, failRequests, resultsByID, latestResults: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(
            label: "analysis_requests.sql",
            text: String(decoding: PackageResources.analysis_requests_sql, as: UTF8.self))
        let statements = try databases.statements(in: file)
        submitRequests = try statements.named("submit_requests")
        knownProducts = try statements.named("known_products")
        submittedBefore = try statements.named("submitted_before")
        requestsByID = try statements.named("requests_by_id")
        finaliseRequests = try statements.named("finalise_requests")
        failRequests = try statements.named("fail_requests")
        cancelRequests = try statements.named("cancel_requests")
        retryRequests = try statements.named("retry_requests")
        resultsByID = try statements.named("results_by_id")
        latestResults = try statements.named("latest_results")
    }

    package func requests(_ ids: [RequestID]) async throws -> [AnalysisRequest?] {
        let found = try await requestsFound(ids)
        return ids.map { found[$0] }
    }

    package func finalise(_ finalisations: [Finalisation]) async throws -> [FinaliseOutcome] {
        let batch = finalisations.map { (id: $0.result.requestID, value: $0) }
        var versions: [RequestID: Int64] = [:]
        let outcomes = try await close(batch) { sorted in
            for item in sorted {
                try StoredText.require(
                    item.value.result.analyzer.description, "the analyser's name of request \(item.id)")
            }
            let rows = try await finaliseRequests.runAlone(
                sorted.map(\.id.uuid), sorted.map { Int32(clamping: $0.value.result.cardCount) },
                sorted.map(\.value.result.digest.bytes),
                sorted.map(\.value.result.analyzer.description), sorted.map(\.value.json),
                Int32(Fold.version))
            for row in rows {
                let (id, version) = try row.decode(UUID.self, Int64.self)
                versions[RequestID(id)] = version
            }
            return rows
        } notClosed: { _, request in
            .alreadyClosed(request.status)
        }
        return zip(batch, outcomes).map { item, outcome in
            FinaliseOutcome(outcome, resultVersion: outcome == .closed ? versions[item.id] : nil)
        }
    }

    package func fail(_ failures: [RequestFailure]) async throws -> [CloseOutcome] {
        let batch = failures.map { (id: $0.requestID, value: $0) }
        return try await close(batch) { sorted in
            try await failRequests.runAlone(
                sorted.map(\.id.uuid), sorted.map { Int32(clamping: $0.value.generation) },
                sorted.map { StoredText.made(storable: $0.value.message, bytesMax: Self.failureBytesMax) })
        } notClosed: { failure, request in
            guard failure.generation <= request.generation else { return .unknownRequest }
            // A later generation is only begun after this one was closed without a result.
            return .alreadyClosed(failure.generation < request.generation ? .failed : request.status)
        }
    }

    package func results(_ ids: [RequestID]) async throws -> [StoredResult?] {
        guard !ids.isEmpty else { return [] }
        let found = try await Self.results(in: resultsByID.run(ids.map(\.uuid)), by: \.requestID)
        return ids.map { found[$0] }
    }

    package func latestResults(of products: [ProductID]) async throws -> [StoredResult?] {
        guard !products.isEmpty else { return [] }
        let found = try await Self.results(in: latestResults.run(products.map(\.text)), by: \.productID)
        return products.map { found[$0] }
    }

    /// Closes a batch by `write`, which gets each request once, in the order in which rows are locked, and gives the
    /// ids that it closed. What it did not close is looked up.
    private func close<Value>(
        _ batch: [(id: RequestID, value: Value)],
        write: ([(id: RequestID, value: Value)]) async throws -> PostgresRows,
        notClosed: (Value, AnalysisRequest) -> CloseOutcome
    ) async throws -> [CloseOutcome] {
        guard !batch.isEmpty else { return [] }
        var seen: Set<RequestID> = []
        let sorted = batch.filter { seen.insert($0.id).inserted }.sorted { $0.id < $1.id }
        var closed: Set<RequestID> = []
        for row in try await write(sorted) { closed.insert(RequestID(try row.decode(0, as: UUID.self))) }
        let others = batch.count == closed.count ? [:] : try await requestsFound(batch.map(\.id))
        return batch.map { id, value in
            if closed.remove(id) != nil { return .closed }
            guard let request = others[id] else { return .unknownRequest }
            return notClosed(value, request)
        }
    }

    func requestsFound(_ ids: [RequestID]) async throws -> [RequestID: AnalysisRequest] {
        guard !ids.isEmpty else { return [:] }
        return try await requestsByID.run(ids.map(\.uuid)).reduce(into: [:]) { requests, row in
            let request = try Self.request(row)
            requests[request.id] = request
        }
    }

    /// The request in a row's first seven columns.
    static func request(_ row: PostgresRow) throws -> AnalysisRequest {
        let (id, productID, status, generation, createdAt, closedAt, failure) = try row.decode(
            UUID.self, String.self, String.self, Int.self, Date.self, Date?.self, String?.self)
        guard let status = RequestStatus(rawValue: status) else {
            throw PostgresStoreError(.unreadableRow, "request \(RequestID(id)) has the unknown status \"\(status)\"")
        }
        return AnalysisRequest(
            id: RequestID(id), productID: ProductID(stored: productID), status: status, generation: generation,
            createdAt: createdAt, closedAt: closedAt, failure: failure)
    }

    private static func results<Key: Hashable>(
        in rows: PostgresRows, by key: (StoredResult) -> Key
    ) throws -> [Key: StoredResult] {
        try rows.reduce(into: [:]) { results, row in
            let (requestID, productID, version, json) = try row.decode(
                UUID.self, String.self, Int64.self, [UInt8].self)
            let result = StoredResult(
                requestID: RequestID(requestID), productID: ProductID(stored: productID), version: version,
                json: json)
            results[key(result)] = result
        }
    }
}
