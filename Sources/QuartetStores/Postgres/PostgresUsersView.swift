package import Foundation
import Postgres
package import QuartetCore

/// The copy of users in another database than theirs.
package struct PostgresUsersView: UsersView {
    private let findUser: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(
            label: "users_view.sql", text: String(decoding: PackageResources.users_view_sql, as: UTF8.self))
        findUser = try databases.statements(in: file).named("view_user")
    }

    package func get(_ id: UUID) async throws -> User? {
        try await findUser.run(id).first.map(User.init(row:))
    }
}
