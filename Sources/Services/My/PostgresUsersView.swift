package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases
import ServiceSupport

/// The copy of users in another database than theirs.
package struct PostgresUsersView: UsersView {
    private let findUser, rowsAfter, rowsByID, replaceRows, removeRows: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "users_view.sql", bytes: PackageResources.users_view_sql)
        let statements = try databases.statements(in: file, of: MyService.schema)
        findUser = try statements.named("view_user")
        rowsAfter = try statements.named("view_after")
        rowsByID = try statements.named("view_by_id")
        replaceRows = try statements.named("replace_users")
        removeRows = try statements.named("remove_users")
    }

    package func get(_ id: UUID) async throws -> User? {
        try await findUser.run(id).first.map(User.init(row:))
    }

    // MARK: For the checker

    /// In the order of their ids, those that were deleted among them.
    package func users(after: UUID, limit: Int) async throws -> [User] {
        try await rowsAfter.runAlone(after, limit).map(User.init(row:))
    }

    package func users(_ ids: [UUID]) async throws -> [User] {
        try await rowsByID.runAlone(ids).map(User.init(row:))
    }

    /// Puts users in whatever is there, unless it is another one by now than `seen` says, and removes others.
    package func replace(_ users: [User], removing ids: [UUID], seen: [User]) async throws {
        let versions = Dictionary(seen.map { ($0.id, $0.version) }) { first, _ in first }
        if !users.isEmpty {
            _ = try await replaceRows.runAlone(
                users.map(\.id), users.map(\.nickname), users.map(\.name), users.map(\.email),
                users.map(\.profileImage), users.map(\.version), users.map(\.isDeleted), users.map(\.changedAt),
                users.map { versions[$0.id] })
        }
        if !ids.isEmpty { _ = try await removeRows.runAlone(ids, ids.map { versions[$0] ?? 0 }) }
    }
}
