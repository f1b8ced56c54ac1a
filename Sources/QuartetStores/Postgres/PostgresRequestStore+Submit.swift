import Foundation
import Postgres
package import QuartetCore
import QuartetDatabases

extension PostgresRequestStore {
    /// How often a batch's remainder is tried again. The second time settles everything, unless other processes submit
    /// the same keys at the same time and fail.
    private static let roundsMax = 4

    package func submit(_ submissions: [Submission]) async throws -> [SubmitOutcome] {
        for submission in submissions {
            guard let key = submission.idempotency?.key else { continue }
            try StoredText.require(key, "an idempotency key")
        }
        var outcomes = [SubmitOutcome?](repeating: nil, count: submissions.count)
        var open = Array(submissions.indices)
        for _ in 0..<Self.roundsMax where !open.isEmpty {
            try await insert(firstOfEach(open, submissions), of: submissions, into: &outcomes)
            open = open.filter { outcomes[$0] == nil }
            guard !open.isEmpty else { break }
            try await explain(open, of: submissions, into: &outcomes)
            open = open.filter { outcomes[$0] == nil }
        }
        return try outcomes.map { outcome in
            guard let outcome else {
                throw PostgresStoreError(.contention, "a request with the same key is being submitted elsewhere")
            }
            return outcome
        }
    }

    /// The submissions that come first with their id and with their key, in the order in which batches that meet wait for each
    /// other: by their keys, since ids are new.
    private func firstOfEach(_ open: [Int], _ submissions: [Submission]) -> [Int] {
        var ids: Set<RequestID> = []
        var keys: Set<String> = []
        return open.filter { index in
            let submission = submissions[index]
            guard ids.insert(submission.id).inserted else { return false }
            return submission.idempotency.map { keys.insert($0.key).inserted } ?? true
        }.sorted {
            let (left, right) = (submissions[$0], submissions[$1])
            return (left.idempotency?.key ?? "", left.id) < (right.idempotency?.key ?? "", right.id)
        }
    }

    /// Stores what can be stored.
    private func insert(_ indices: [Int], of submissions: [Submission], into outcomes: inout [SubmitOutcome?])
        async throws
    {
        let batch = indices.map { submissions[$0] }
        let rows = try await submitRequests.run(
            batch.map(\.id.uuid), batch.map(\.productID.text), batch.map { $0.idempotency?.key },
            batch.map { $0.idempotency?.fingerprint })
        var stored: [RequestID: Date] = [:]
        stored.reserveCapacity(rows.count)
        for row in rows {
            let (id, createdAt) = try row.decode(UUID.self, Date.self)
            stored[RequestID(id)] = createdAt
        }
        for index in indices {
            let submission = submissions[index]
            guard let createdAt = stored[submission.id] else { continue }
            outcomes[index] = .accepted(
                AnalysisRequest(
                    id: submission.id, productID: submission.productID, status: .queued, generation: 1,
                    createdAt: createdAt))
        }
    }

    /// Says of what was not stored why: its product is unknown, or its key or id was there before.
    private func explain(_ open: [Int], of submissions: [Submission], into outcomes: inout [SubmitOutcome?])
        async throws
    {
        let batch = open.map { submissions[$0] }
        async let products = knownProducts.run(Array(Set(batch.map(\.productID.text))))
        async let before = submittedBefore.run(
            Array(Set(batch.compactMap { $0.idempotency?.key })), Array(Set(batch.map(\.id.uuid))))

        var byKey: [String: (request: AnalysisRequest, fingerprint: [UInt8]?)] = [:]
        var byID: [RequestID: AnalysisRequest] = [:]
        for row in try await before {
            let request = try Self.request(row)
            byID[request.id] = request
            guard let key = try row.decode(7, as: String?.self) else { continue }
            byKey[key] = (request, try row.decode(8, as: [UInt8]?.self))
        }
        let known = Set(try await products.map { try $0.decode(0, as: String.self) })

        for index in open {
            let submission = submissions[index]
            if !known.contains(submission.productID.text) {
                outcomes[index] = .unknownProduct
            } else if let idempotency = submission.idempotency, let first = byKey[idempotency.key] {
                outcomes[index] = first.fingerprint == idempotency.fingerprint ? .repeated(first.request) : .keyReused
            } else if let first = byID[submission.id] {
                outcomes[index] = first.productID == submission.productID ? .repeated(first) : .keyReused
            }
        }
    }
}
