package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases
import ServiceSupport

/// Users in PostgreSQL.
package struct PostgresUserStore: UserStore {
    private let putUser, deleteUser, findUser: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "users.sql", bytes: PackageResources.users_sql)
        let statements = try databases.statements(in: file, of: AuthService.schema)
        putUser = try statements.named("put_user")
        deleteUser = try statements.named("delete_user")
        findUser = try statements.named("user")
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
}
