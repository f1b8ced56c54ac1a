import Foundation
import QuartetCore

extension SweepRun {
    /// Listings beside the products of another database, whatever the reach: a listing's key does not tell how old it is.
    func walkReferences() async throws {
        let pacer = Pacer(workShare: configuration.workShare, time: time)
        let look = ReferenceLook(ports: ports, sample: sample, settledBefore: sweep.settledBefore)
        let limit = configuration.requestsPerChunk
        var after = sweep.progress[.references].afterKey
        var page: [ListingFacts] = []
        repeat {
            let (read, suspects) = try await pacer.paced { [ports, after] in
                let page = try await ports.listings.listings(behind: after, limit: limit)
                return (page, try await look.dangling(page))
            }
            page = read
            after = page.last?.id ?? after
            sweep.progress[.references].rows += page.count
            if !suspects.isEmpty { try await lookTwice(at: suspects, look) }
            sweep.progress[.references].afterKey = after
            try await save(.references)
        } while page.count == limit
    }

    private func lookTwice(at suspects: [ListingFacts], _ look: ReferenceLook) async throws {
        try await time.sleep(configuration.secondLookPause)
        let present = try await ports.listings.listings(suspects.map(\.id)).compactMap { $0 }
        try await report(
            look.dangling(present).map { listing in
                Finding(
                    invariant: .i10, kind: .referenceDangling, key: "market_listings/\(listing.id)",
                    detail: "product \(listing.productID)", since: listing.createdAt)
            })
    }
}

/// Compares references with the rows of another database: the ids are fetched from one and asked for in the other.
private struct ReferenceLook: Sendable {
    let ports: CheckPorts
    let sample: KeySample
    let settledBefore: Date

    /// The settled ones of `page` whose product is not there.
    func dangling(_ page: [ListingFacts]) async throws -> [ListingFacts] {
        let judged = page.filter { listing in
            listing.createdAt < settledBefore && sample.contains(Array(listing.id.utf8))
        }
        let products = Array(Set(judged.map(\.productID)))
        // What can't be a product's id is nobody's.
        let known = products.compactMap { ProductID($0) }
        let there = Set(try await ports.products.products(known).compactMap { $0?.id.text })
        return judged.filter { !there.contains($0.productID) }
    }
}
