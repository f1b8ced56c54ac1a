package import Foundation

/// A row of a read model or of its source, as the checker compares them.
package struct ReadModelFacts: Sendable, Hashable {
    package let key: String
    package let version: Int64
    package let isDeleted: Bool
    package let changedAt: Date
    /// Of what it has beside; the same for all that was deleted, which has nothing but its version.
    package let digest: String

    package init(key: String, version: Int64, isDeleted: Bool = false, changedAt: Date, digest: String) {
        self.key = key
        self.version = version
        self.isDeleted = isDeleted
        self.changedAt = changedAt
        self.digest = digest
    }
}

/// What the checker reads and mends of one read model and its source, each in the order of their keys' bytes.
package protocol ReadModelCheckStore: Sendable {
    /// The read model's.
    var name: String { get }

    /// Whether anybody keeps it: one without a row that never was copied is not judged.
    func isKept() async throws -> Bool

    /// Up to `limit` rows behind `after`, nil for the first ones, those that were deleted among them.
    func source(behind after: String?, limit: Int) async throws -> [ReadModelFacts]
    func copy(behind after: String?, limit: Int) async throws -> [ReadModelFacts]

    /// Those of `keys` that there are, as they are now.
    func source(_ keys: [String]) async throws -> [ReadModelFacts]
    func copy(_ keys: [String]) async throws -> [ReadModelFacts]

    /// Copies the source's rows again whatever is there, and removes those that it has not; not one that is another by now
    /// than `seen` says.
    func copyAgain(_ keys: [String], seen: [ReadModelFacts]) async throws
}
