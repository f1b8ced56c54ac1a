package import Foundation

/// What the checker reads and mends of users and their copy in another database, each in the order of their ids.
package protocol ReadModelCheckStore: Sendable {
    /// Up to `limit` users behind `after`, nil for the first ones, those that were deleted among them.
    func source(behind after: UUID?, limit: Int) async throws -> [User]
    func copy(behind after: UUID?, limit: Int) async throws -> [User]

    /// Those of `ids` that there are, as they are now.
    func source(_ ids: [UUID]) async throws -> [User]
    func copy(_ ids: [UUID]) async throws -> [User]

    /// Puts users into the copy whatever is there, unless it is another one by now than `seen` says, and removes others.
    func replace(_ users: [User], removing ids: [UUID], seen: [User]) async throws
}
