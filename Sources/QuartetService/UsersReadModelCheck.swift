import Auth
import Foundation
import My
import QuartetCore
import QuartetDatabases

/// Users and their copy side by side, each as its own service gives them.
struct UsersReadModelCheck: ReadModelCheckStore {
    private let users: PostgresUserStore
    private let view: PostgresUsersView

    init(databases: Databases) throws {
        users = try PostgresUserStore(databases: databases)
        view = try PostgresUsersView(databases: databases)
    }

    func source(behind after: UUID?, limit: Int) async throws -> [User] {
        try await users.users(after: after, limit: limit)
    }

    func copy(behind after: UUID?, limit: Int) async throws -> [User] {
        try await view.users(after: after ?? QuartetCore.RequestID.lowest.uuid, limit: limit)
    }

    func source(_ ids: [UUID]) async throws -> [User] { try await users.users(ids) }
    func copy(_ ids: [UUID]) async throws -> [User] { try await view.users(ids) }

    func replace(_ users: [User], removing ids: [UUID], seen: [User]) async throws {
        try await view.replace(users, removing: ids, seen: seen)
    }
}
