import Foundation
package import QuartetCore
import Testing

/// A listing audit and a way to leave listings where it looks.
package struct ListingAuditSubject: Sendable {
    package let audit: any ListingAudit
    package let plant: @Sendable (ListingFacts) async throws -> Void

    package init(audit: any ListingAudit, plant: @escaping @Sendable (ListingFacts) async throws -> Void) {
        self.audit = audit
        self.plant = plant
    }

    /// On fakes.
    package static func fake() -> ListingAuditSubject {
        let audit = FakeListingAudit()
        return ListingAuditSubject(audit: audit) { audit.plant($0) }
    }
}

/// What every ``ListingAudit`` does. Each behaviour wants a fresh subject.
package enum ListingAuditConformance {
    package static let behaviours: [Conformance<ListingAuditSubject>] = [
        Conformance("listings come in pages, in the order of their keys", pages),
        Conformance("listings come by id", byID),
    ]

    private static func pages(_ subject: ListingAuditSubject) async throws {
        #expect(try await subject.audit.listings(behind: nil, limit: 9).isEmpty)
        let listings = try await planted(5, subject)
        #expect(try await subject.audit.listings(behind: nil, limit: 9) == listings)
        #expect(try await subject.audit.listings(behind: nil, limit: 2) == Array(listings[..<2]))
        #expect(try await subject.audit.listings(behind: listings[1].id, limit: 2) == Array(listings[2..<4]))
        #expect(try await subject.audit.listings(behind: listings[4].id, limit: 2).isEmpty)
    }

    private static func byID(_ subject: ListingAuditSubject) async throws {
        let listings = try await planted(2, subject)
        let ids = [listings[1].id, UUID(), listings[0].id]
        #expect(try await subject.audit.listings(ids) == [listings[1], nil, listings[0]])
        #expect(try await subject.audit.listings([]).isEmpty)
    }

    private static func planted(_ count: Int, _ subject: ListingAuditSubject) async throws -> [ListingFacts] {
        let listings = (0..<count).map { number in
            ListingFacts(
                id: UUID(), productID: "p \(number)",
                createdAt: Date(timeIntervalSince1970: 1_700_000_000 + Double(number)))
        }
        for listing in listings { try await subject.plant(listing) }
        return listings.sorted { RequestID($0.id) < RequestID($1.id) }
    }
}
