package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases
import ServiceSupport

/// The copy of users in another database than theirs.
package struct PostgresUsersView: UsersView {
    private let findUser: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "users_view.sql", bytes: PackageResources.users_view_sql)
        let statements = try databases.statements(in: file, of: MyService.schema)
        findUser = try statements.named("view_user")
    }

    package func get(_ id: UUID) async throws -> User? {
        try await findUser.run(id).first.map(User.init(row:))
    }
}
