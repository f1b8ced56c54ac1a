import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// What the checker reads of listings, in whichever database they are.
package struct PostgresListingCheckStore: ListingCheckStore {
    private let walk, byID: StoreStatement

    package init(databases: Databases) throws {
        let statements = try databases.statements(in: .check())
        walk = try statements.named("walk_listings")
        byID = try statements.named("listings_by_id")
    }

    package func listings(behind after: String?, limit: Int) async throws -> [ListingFacts] {
        try await walk.runAlone(after ?? "", limit).map(Self.facts)
    }

    package func listings(_ ids: [String]) async throws -> [ListingFacts?] {
        guard !ids.isEmpty else { return [] }
        let found = try await byID.runAlone(ids).map(Self.facts)
        let listings = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        return ids.map { listings[$0] }
    }

    private static func facts(_ row: PostgresRow) throws -> ListingFacts {
        let (id, productID, createdAt) = try row.decode(String.self, String.self, Date.self)
        return ListingFacts(id: id, productID: productID, createdAt: createdAt)
    }
}
