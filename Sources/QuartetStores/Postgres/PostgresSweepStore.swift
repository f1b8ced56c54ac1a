import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// Sweeps in PostgreSQL, under a session's advisory lock.
package struct PostgresSweepStore: SweepStore {
    static let lockKey: Int64 = 0x7175_6172_7465_7401

    private let client: PostgresClient
    private let statements: SweepStatements

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "sweeps.sql", text: String(decoding: PackageResources.sweeps_sql, as: UTF8.self))
        statements = SweepStatements(try databases.statements(in: file))
        client = try statements.named("save_sweep").client
    }

    package func exclusively<Value: Sendable>(
        as holder: String, _ body: @Sendable (any SweepLedger) async throws -> Value
    ) async throws -> Value {
        let value = try await client.withAdvisoryLockIfFree(Self.lockKey) { session in
            try await body(PostgresSweepLedger(session: session, statements: statements))
        }
        guard let value else { throw SweepInProgress(holder: try await otherHolder()) }
        return value
    }

    /// Who holds the lock, as the server knows it and as it wrote itself.
    private func otherHolder() async throws -> String {
        let connection = try await client.holder(ofAdvisoryLock: Self.lockKey)
        let holder = try await statements.named("running").run().first.map { try $0.decode(0, as: String.self) }
        return [holder, connection].compactMap(\.self).joined(separator: ", ")
    }
}

/// The statements of `sweeps.sql`.
struct SweepStatements: Sendable {
    private let statements: [String: StoreStatement]

    init(_ set: StatementSet) {
        statements = set.all
    }

    func named(_ name: String) throws -> StoreStatement {
        guard let statement = statements[name] else {
            throw PostgresStoreError(.tableMap, "sweeps.sql has no statement named \(name)")
        }
        return statement
    }
}
