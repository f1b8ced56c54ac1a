package import Foundation

/// A disagreement between stores that was seen twice.
package struct Finding: Sendable, Hashable, Codable {
    package let invariant: Invariant
    package let kind: FindingKind
    /// A request's id, `sink/shard`, or a key of Redis.
    package let key: String
    /// What the stores say.
    package let detail: String
    /// Since when it may have been so, as far as the rows tell.
    package let since: Date?
    package var repair: Repair?

    package init(
        invariant: Invariant, kind: FindingKind, key: String, detail: String, since: Date?, repair: Repair? = nil
    ) {
        self.invariant = invariant
        self.kind = kind
        self.key = key
        self.detail = detail
        self.since = since
        self.repair = repair
    }

    package var isRepaired: Bool { repair?.isDone ?? false }
}

/// What was done about a finding.
package struct Repair: Sendable, Hashable, Codable {
    package let action: String
    /// What the stores said before, and after.
    package let before: String
    package let after: String
    /// Whether the disagreement was gone afterwards.
    package let isDone: Bool

    package init(action: String, before: String, after: String, isDone: Bool) {
        self.action = action
        self.before = before
        self.after = after
        self.isDone = isDone
    }
}
