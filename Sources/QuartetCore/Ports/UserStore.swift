package import Foundation

/// Users where they are true: the service auth's. Each change emits its event in the same transaction.
package protocol UserStore: Sendable {
    /// Creates a user, or makes it as it is said to be; also one that was deleted. Gives it as it is now.
    func put(_ id: UUID, _ details: UserDetails) async throws -> User

    /// The version that the deletion has; nil if there is no such user.
    func delete(_ id: UUID) async throws -> Int64?

    /// Nil if there is no such user.
    func get(_ id: UUID) async throws -> User?
}

/// The copy of users in another database, for its readers.
package protocol UsersView: Sendable {
    /// One that was deleted, too.
    func get(_ id: UUID) async throws -> User?
}
