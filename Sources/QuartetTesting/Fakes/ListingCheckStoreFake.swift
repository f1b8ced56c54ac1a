package import Foundation
package import QuartetCore
import Synchronization

/// Listings in memory.
package final class FakeListingCheckStore: ListingCheckStore {
    private let all = Mutex<[UUID: ListingFacts]>([:])

    package init() {}

    package func plant(_ listing: ListingFacts) { all.withLock { $0[listing.id] = listing } }

    package func listings(behind after: UUID?, limit: Int) async throws -> [ListingFacts] {
        let sorted = all.withLock { $0.values.sorted { RequestID($0.id) < RequestID($1.id) } }
        let start = RequestID(after ?? RequestID.lowest.uuid)
        return Array(sorted.drop { RequestID($0.id) <= start }.prefix(limit))
    }

    package func listings(_ ids: [UUID]) async throws -> [ListingFacts?] {
        all.withLock { all in ids.map { all[$0] } }
    }
}
