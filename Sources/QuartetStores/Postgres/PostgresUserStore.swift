package import Foundation
import Postgres
package import QuartetCore

/// Users in PostgreSQL.
package struct PostgresUserStore: UserStore {
    private let putUser, deleteUser, findUser: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "users.sql", text: String(decoding: PackageResources.users_sql, as: UTF8.self))
        let statements = try databases.statements(in: file)
        putUser = try statements.named("put_user")
        deleteUser = try statements.named("delete_user")
        findUser = try statements.named("user")
    }

    package func put(_ id: UUID, _ details: UserDetails) async throws -> User {
        for text in [details.nickname, details.name, details.email, details.profileImage ?? ""] {
            try StoredText.require(text, "user \(id)")
        }
        let rows = try await putUser.run(id, details.nickname, details.name, details.email, details.profileImage)
        return try User(row: rows.single())
    }

    package func delete(_ id: UUID) async throws -> Int64? {
        try await deleteUser.run(id).first?.decode(0, as: Int64.self)
    }

    package func get(_ id: UUID) async throws -> User? {
        try await findUser.run(id).first.map(User.init(row:))
    }
}

extension User {
    init(row: PostgresRow) throws {
        let (id, nickname, name, email, image, version, isDeleted, changedAt) = try row.decode(
            UUID.self, String.self, String.self, String.self, String?.self, Int64.self, Bool.self, Date.self)
        self.init(
            id: id, nickname: nickname, name: name, email: email, profileImage: image, version: version,
            isDeleted: isDeleted, changedAt: changedAt)
    }
}
