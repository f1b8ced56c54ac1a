/// What the checker reads of references from one database into another: listings name products.
package protocol ListingCheckStore: Sendable {
    /// Up to `limit` listings behind `after`, nil for the first ones, in the order of their keys' bytes.
    func listings(behind after: String?, limit: Int) async throws -> [ListingFacts]

    /// These listings as they are now, nil where there is none.
    func listings(_ ids: [String]) async throws -> [ListingFacts?]
}
