/// What the owner of a reference wants done with a row that names what is not there.
package enum ReferenceCure: String, Sendable, Hashable {
    /// Somebody has to say what it names.
    case report
    /// It names nothing from then on.
    case clear
    /// The row means nothing without it.
    case delete
}

/// A column that names rows of another database, where there can be no foreign key.
package protocol ReferenceCheckStore: Sendable {
    /// The table and the column, as `market_listings.product_id`.
    var name: String { get }
    /// The table whose rows are named.
    var target: String { get }
    var cure: ReferenceCure { get }

    /// Up to `limit` rows that name something behind `after`, nil for the first ones, in the order of their keys' bytes.
    func references(behind after: String?, limit: Int) async throws -> [ReferenceFacts]

    /// These rows as they are now, nil where there is none or it names nothing.
    func references(_ keys: [String]) async throws -> [ReferenceFacts?]

    /// Those of `targets` that are there.
    func present(_ targets: Set<String>) async throws -> Set<String>

    /// Does to these rows what the cure is, unless they changed meanwhile.
    func mend(_ references: [ReferenceFacts]) async throws
}
