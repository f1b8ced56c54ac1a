package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases
import ServiceSupport

/// Users in PostgreSQL.
package struct PostgresUserStore: UserStore {
    private let putUser, deleteUser, findUser, usersAfter, usersByID: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "users.sql", bytes: PackageResources.users_sql)
        let statements = try databases.statements(in: file, of: AuthService.schema)
        putUser = try statements.named("put_user")
        deleteUser = try statements.named("delete_user")
        findUser = try statements.named("user")
        usersAfter = try statements.named("users_after")
        usersByID = try statements.named("users_by_id")
    }

    package func put(_ id: UUID, _ details: UserDetails) async throws -> User {
        let facts = details.facts
        for text in [
            details.nickname, details.name, details.email, details.profileImage, facts.gender, facts.ageGroup,
            facts.region,
        ].compactMap({ $0 }) {
            try StoredText.require(text, "user \(id)")
        }
        let rows = try await putUser.run(
            id, details.nickname, details.name, details.email, details.profileImage, facts.gender, facts.age,
            facts.ageGroup, facts.region, facts.joinDate)
        return try User(row: rows.single())
    }

    package func delete(_ id: UUID) async throws -> Int64? {
        try await deleteUser.run(id).first?.decode(0, as: Int64.self)
    }

    package func get(_ id: UUID) async throws -> User? {
        try await findUser.run(id).first.map(User.init(row:))
    }

    /// In the order of their ids, those that were deleted among them; from the beginning after nil.
    package func users(after: UUID?, limit: Int) async throws -> [User] {
        let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        return try await usersAfter.runAlone(after ?? first, limit).map(User.init(row:))
    }

    /// Those of `ids` that there are, those that were deleted among them.
    package func users(_ ids: [UUID]) async throws -> [User] {
        try await usersByID.runAlone(ids).map(User.init(row:))
    }
}
