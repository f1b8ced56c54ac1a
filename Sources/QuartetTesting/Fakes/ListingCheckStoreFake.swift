package import QuartetCore
import Synchronization

/// Listings in memory.
package final class FakeListingCheckStore: ListingCheckStore {
    private let all = Mutex<[String: ListingFacts]>([:])

    package init() {}

    package func plant(_ listing: ListingFacts) { all.withLock { $0[listing.id] = listing } }

    package func listings(behind after: String?, limit: Int) async throws -> [ListingFacts] {
        let sorted = all.withLock { $0.values.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) } }
        guard let after else { return Array(sorted.prefix(limit)) }
        return Array(sorted.drop { !after.utf8.lexicographicallyPrecedes($0.id.utf8) }.prefix(limit))
    }

    package func listings(_ ids: [String]) async throws -> [ListingFacts?] {
        all.withLock { all in ids.map { all[$0] } }
    }
}
