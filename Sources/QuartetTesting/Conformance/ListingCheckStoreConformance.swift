import Foundation
package import QuartetCore
import Testing

/// A listing check store and a way to leave listings where it looks.
package struct ListingCheckStoreSubject: Sendable {
    package let checkStore: any ListingCheckStore
    package let plant: @Sendable (ListingFacts) async throws -> Void

    package init(checkStore: any ListingCheckStore, plant: @escaping @Sendable (ListingFacts) async throws -> Void) {
        self.checkStore = checkStore
        self.plant = plant
    }

    /// On fakes.
    package static func fake() -> ListingCheckStoreSubject {
        let checkStore = FakeListingCheckStore()
        return ListingCheckStoreSubject(checkStore: checkStore) { checkStore.plant($0) }
    }
}

/// What every ``ListingCheckStore`` does. Each behaviour wants a fresh subject.
package enum ListingCheckStoreConformance {
    package static let behaviours: [Conformance<ListingCheckStoreSubject>] = [
        Conformance("listings come in pages, in the order of their keys", pages),
        Conformance("listings come by id", byID),
    ]

    private static func pages(_ subject: ListingCheckStoreSubject) async throws {
        #expect(try await subject.checkStore.listings(behind: nil, limit: 9).isEmpty)
        let listings = try await planted(5, subject)
        #expect(try await subject.checkStore.listings(behind: nil, limit: 9) == listings)
        #expect(try await subject.checkStore.listings(behind: nil, limit: 2) == Array(listings[..<2]))
        #expect(try await subject.checkStore.listings(behind: listings[1].id, limit: 2) == Array(listings[2..<4]))
        #expect(try await subject.checkStore.listings(behind: listings[4].id, limit: 2).isEmpty)
    }

    private static func byID(_ subject: ListingCheckStoreSubject) async throws {
        let listings = try await planted(2, subject)
        let ids = [listings[1].id, "none", listings[0].id]
        #expect(try await subject.checkStore.listings(ids) == [listings[1], nil, listings[0]])
        #expect(try await subject.checkStore.listings([]).isEmpty)
    }

    private static func planted(_ count: Int, _ subject: ListingCheckStoreSubject) async throws -> [ListingFacts] {
        let listings = (0..<count).map { number in
            ListingFacts(
                id: "상품 \(UUID())", productID: "p \(number)",
                createdAt: Date(timeIntervalSince1970: 1_700_000_000 + Double(number)))
        }
        for listing in listings { try await subject.plant(listing) }
        return listings.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    }
}
