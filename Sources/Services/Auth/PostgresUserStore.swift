package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases
import ServiceSupport

/// Users in PostgreSQL.
package struct PostgresUserStore: UserStore {
    private let putUser, putUsers, deleteUser, findUser: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "users.sql", bytes: PackageResources.users_sql)
        let statements = try databases.statements(in: file, of: AuthService.schema)
        putUser = try statements.named("put_user")
        putUsers = try statements.named("put_users")
        deleteUser = try statements.named("delete_user")
        findUser = try statements.named("user")
    }

    package func put(_ id: UUID, _ details: UserDetails) async throws -> User {
        guard let user = try await put(id, details, .none) else {
            throw PostgresStoreError(.contention, "user \(id) went away while it was stored")
        }
        return user
    }

    /// Nil where the condition does not hold.
    func put(_ id: UUID, _ details: UserDetails, _ condition: Precondition) async throws -> User? {
        let facts = details.facts
        for text in [
            details.nickname, details.name, details.email, details.profileImage, facts.gender, facts.ageGroup,
            facts.region,
        ].compactMap({ $0 }) {
            try StoredText.require(text, "user \(id)")
        }
        let rows = try await putUser.run(
            id, details.nickname, details.name, details.email, details.profileImage, facts.gender, facts.age,
            facts.ageGroup, facts.region, facts.joinDate, condition.version,
            condition == .present || condition.version != nil, condition == .absent)
        return try rows.first.map(User.init(row:))
    }

    /// Makes users as they are said to be, each once; gives the ids and versions of those that were changed by that.
    package func put(_ users: [(id: UUID, details: UserDetails)]) async throws -> [(id: String, version: Int64)] {
        let (details, facts) = (users.map(\.details), users.map(\.details.facts))
        return try await putUsers.runAlone(
            isLarge: true, users.map(\.id), details.map(\.nickname), details.map(\.name), details.map(\.email),
            details.map(\.profileImage), facts.map(\.gender), facts.map { $0.age.map(Int64.init) },
            facts.map(\.ageGroup), facts.map(\.region), facts.map(\.joinDate)
        ).map { try $0.decode(String.self, Int64.self) }
    }

    package func delete(_ id: UUID) async throws -> Int64? { try await delete(id, ifVersion: nil) }

    /// Nil if there is none, or if it has another version.
    package func delete(_ id: UUID, ifVersion version: Int64?) async throws -> Int64? {
        try await deleteUser.run(id, version).first?.decode(0, as: Int64.self)
    }

    package func get(_ id: UUID) async throws -> User? {
        try await findUser.run(id).first.map(User.init(row:))
    }
}
