package import Foundation
import Postgres
package import QuartetCore

/// Users and their copy side by side, each in its database.
package struct PostgresReadModelCheckStore: ReadModelCheckStore {
    private let walkSource, sourceByID, walkCopy, copyByID, replaceCopy, removeCopy: StoreStatement

    package init(databases: Databases) throws {
        let users = try databases.statements(
            in: SQLFile(label: "users.sql", text: String(decoding: PackageResources.users_sql, as: UTF8.self)))
        let view = try databases.statements(
            in: SQLFile(label: "users_view.sql", text: String(decoding: PackageResources.users_view_sql, as: UTF8.self))
        )
        walkSource = try users.named("users_after")
        sourceByID = try users.named("users_by_id")
        walkCopy = try view.named("view_after")
        copyByID = try view.named("view_by_id")
        replaceCopy = try view.named("replace_users")
        removeCopy = try view.named("remove_users")
    }

    package func source(behind after: UUID?, limit: Int) async throws -> [User] {
        try await walkSource.runAlone(after ?? RequestID.lowest.uuid, limit).map(User.init(row:))
    }

    package func copy(behind after: UUID?, limit: Int) async throws -> [User] {
        try await walkCopy.runAlone(after ?? RequestID.lowest.uuid, limit).map(User.init(row:))
    }

    package func source(_ ids: [UUID]) async throws -> [User] {
        try await sourceByID.runAlone(ids).map(User.init(row:))
    }

    package func copy(_ ids: [UUID]) async throws -> [User] {
        try await copyByID.runAlone(ids).map(User.init(row:))
    }

    package func replace(_ users: [User], removing ids: [UUID], seen: [User]) async throws {
        let versions = Dictionary(seen.map { ($0.id, $0.version) }) { first, _ in first }
        if !users.isEmpty {
            _ = try await replaceCopy.runAlone(
                users.map(\.id), users.map(\.nickname), users.map(\.name), users.map(\.email),
                users.map(\.profileImage), users.map(\.version), users.map(\.isDeleted), users.map(\.changedAt),
                users.map { versions[$0.id] })
        }
        if !ids.isEmpty { _ = try await removeCopy.runAlone(ids, ids.map { versions[$0] ?? 0 }) }
    }
}
