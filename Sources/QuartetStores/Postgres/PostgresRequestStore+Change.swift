import Foundation
import Postgres
package import QuartetCore
import QuartetDatabases

extension PostgresRequestStore {
    package func cancel(_ ids: [RequestID]) async throws -> [ChangeOutcome] {
        try await change(ids) { sorted in
            try await cancelRequests.runAlone(sorted, RequestStatus.queued.rawValue)
        }
    }

    package func drop(_ ids: [RequestID]) async throws -> [ChangeOutcome] {
        try await change(ids) { sorted in
            try await cancelRequests.runAlone(sorted, RequestStatus.failed.rawValue)
        }
    }

    package func retry(_ ids: [RequestID]) async throws -> [ChangeOutcome] {
        try await change(ids) { sorted in try await retryRequests.runAlone(sorted) }
    }

    /// Changes requests by `write`, which gets each id once, in the order in which rows are locked, and gives those that
    /// it changed. All are looked up afterwards: people ask for these changes, so a round trip more does not matter.
    private func change(
        _ ids: [RequestID], write: ([UUID]) async throws -> PostgresRows
    ) async throws -> [ChangeOutcome] {
        guard !ids.isEmpty else { return [] }
        var changed: Set<RequestID> = []
        for row in try await write(Set(ids).sorted().map(\.uuid)) {
            changed.insert(RequestID(try row.decode(0, as: UUID.self)))
        }
        let requests = try await requestsFound(ids)
        return ids.map { id in
            guard let request = requests[id] else { return .unknownRequest }
            return changed.remove(id) != nil ? .changed(request) : .unchanged(request)
        }
    }
}
