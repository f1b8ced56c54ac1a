package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases
import ServiceSupport

/// The copy of users in another database than theirs.
package struct PostgresUsersView: UsersView {
    package static let name = "users_view"

    /// How far a copy is.
    package struct State: Sendable {
        package let rows: Int
        package let changedAt: Date?
        package let copiedTo: UUID?
        package let copiedRows: Int
        package let completedAt: Date?
    }

    private let applyUsers, fillNext, findUser, readState, beginCopy, noteCopied, endCopy, makeNext,
        swapNext, rowsAfter, rowsByID, replaceRows, removeRows: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "users_view.sql", bytes: PackageResources.users_view_sql)
        let statements = try databases.statements(in: file, of: MyService.schema)
        applyUsers = try statements.named("apply_users")
        fillNext = try statements.named("fill_next")
        findUser = try statements.named("view_user")
        readState = try statements.named("view_state")
        beginCopy = try statements.named("begin_copy")
        noteCopied = try statements.named("copied")
        endCopy = try statements.named("end_copy")
        makeNext = try statements.named("make_next")
        swapNext = try statements.named("swap_next")
        rowsAfter = try statements.named("view_after")
        rowsByID = try statements.named("view_by_id")
        replaceRows = try statements.named("replace_users")
        removeRows = try statements.named("remove_users")
    }

    package func apply(_ users: [User]) async throws {
        // Of one that comes twice the newest counts.
        let newest = Dictionary(users.map { ($0.id, $0) }) { $0.version >= $1.version ? $0 : $1 }
        try await write(Array(newest.values), by: applyUsers)
    }

    package func get(_ id: UUID) async throws -> User? {
        try await findUser.run(id).first.map(User.init(row:))
    }

    private func write(_ users: [User], by statement: StoreStatement) async throws {
        guard !users.isEmpty else { return }
        do {
            _ = try await statement.runAlone(
                users.map(\.id), users.map(\.nickname), users.map(\.name), users.map(\.email),
                users.map(\.profileImage), users.map(\.version), users.map(\.isDeleted), users.map(\.changedAt))
        } catch let error as PostgresError where error.sqlState?.hasPrefix("42") ?? false {
            // No event is to blame: they wait until it is put right.
            throw PostgresStoreError(
                .alteredTable,
                "users_view is not as quartet migrate made it, put that right and events go on: \(error)")
        }
    }

    // MARK: Copying the source

    package func state() async throws -> State {
        let row = try await readState.runAlone(Self.name).single()
        let (rows, changedAt, copiedTo, copiedRows, completedAt) = try row.decode(
            Int.self, Date?.self, UUID?.self, Int.self, Date?.self)
        return State(
            rows: rows, changedAt: changedAt, copiedTo: copiedTo, copiedRows: copiedRows, completedAt: completedAt)
    }

    /// Where a copy goes on that was cut off, and how many rows it had; nil for the beginning.
    package func beginCopy() async throws -> (after: UUID?, rows: Int) {
        try await beginCopy.run(Self.name).single().decode(UUID?.self, Int.self)
    }

    package func copy(_ users: [User]) async throws {
        guard let last = users.last else { return }
        try await apply(users)
        _ = try await noteCopied.run(Self.name, last.id, users.count)
    }

    package func endCopy() async throws { _ = try await endCopy.run(Self.name) }

    // MARK: A new copy beside the old one

    package func makeNext() async throws { try await script(makeNext) }

    package func fillNext(_ users: [User]) async throws { try await write(users, by: fillNext) }

    /// Puts the new copy in the old one's place, with what came meanwhile, in one transaction.
    package func swapNext() async throws { try await script(swapNext) }

    private func script(_ statement: StoreStatement) async throws {
        try await statement.client.withSession { try await $0.execute(script: statement.sql) }
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
