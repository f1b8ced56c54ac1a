package import ClientSupport
import Logging

package enum PostgresIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

package enum PostgresAccess: String, Sendable {
    case readWrite = "READ WRITE"
    case readOnly = "READ ONLY"
}

extension PostgresClient {
    /// Runs `body` with a connection of its own, outside of a transaction. Settings and temporary tables that it leaves
    /// behind stay on the connection; a transaction that it leaves open costs the connection.
    package nonisolated(nonsending) func withSession<Value: Sendable>(
        deadline: Deadline? = nil, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let connection = try await pool.checkout(deadline: limit(deadline))
        defer { pool.giveBack(connection) }
        return try await body(session(connection, isInTransaction: false, deadline: deadline))
    }

    /// Runs BEGIN, the statements and COMMIT in one round trip.
    ///
    /// - Throws: the error of the first statement that failed, or of COMMIT; everything is rolled back then.
    package func transaction(
        isolation: PostgresIsolation = .readCommitted, deadline: Deadline? = nil, statements: [PostgresStatement]
    ) async throws -> [PostgresRows] {
        let deadline = limit(deadline)
        let connection = try await pool.checkout(deadline: deadline)
        defer { pool.giveBack(connection) }
        let outcome = await connection.perform(
            .transaction(begin: Self.begin(isolation, .readWrite), statements), deadline: deadline)
        try outcome.check()
        return try outcome.results.map { try $0.get() }
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws or is cancelled.
    ///
    /// - Throws: what `body` throws; `PostgresError` of BEGIN and COMMIT. `mayHaveHappened` is true only if COMMIT was
    ///   sent and not answered.
    package nonisolated(nonsending) func transaction<Value: Sendable>(
        isolation: PostgresIsolation = .readCommitted, access: PostgresAccess = .readWrite,
        deadline: Deadline? = nil, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let connection = try await pool.checkout(deadline: limit(deadline))
        defer { pool.giveBack(connection) }
        let session = session(connection, isInTransaction: true, deadline: deadline)
        let value: Value
        do {
            let begin = Self.begin(isolation, access)
            _ = try await session.inTransaction {
                try await connection.perform(.control(begin), deadline: limit(deadline)).single()
            }
            value = try await body(session)
            try Task.checkCancellation()
        } catch {
            await rollBack(connection)
            throw error
        }
        try await commit(connection, deadline: limit(deadline))
        return value
    }

    private func commit(_ connection: PostgresConnection, deadline: Deadline) async throws {
        // A cancellation may no longer take away what the answer is.
        let outcome = await connection.perform(.control("COMMIT"), deadline: deadline, isShielded: true)
        if !connection.isUsable { await rollBack(connection) }
        let rows = try outcome.single()
        guard rows.commandTag == "COMMIT" else {
            throw PostgresError(
                .server, "COMMIT of a transaction in which a statement had failed: it was rolled back",
                statementName: "COMMIT", report: .init(sqlState: PostgresError.SQLState.failedTransaction))
        }
    }

    /// Also of a caller that was cancelled. Where it does not succeed, the connection is left unusable and the pool
    /// drops it, with which the server rolls back as well.
    private func rollBack(_ connection: PostgresConnection) async {
        let outcome = await connection.perform(
            .control("ROLLBACK"), deadline: .after(configuration.cancellationGrace), isShielded: true)
        if let failure = outcome.failure {
            logger.debug("rollback did not succeed", metadata: ["error": "\(failure)"])
            await connection.close()
        }
    }

    func session(
        _ connection: PostgresConnection, isInTransaction: Bool, deadline: Deadline?
    ) -> PostgresSession {
        PostgresSession(
            connection: connection, isInTransaction: isInTransaction, deadline: deadline,
            statementTimeout: configuration.statementTimeout)
    }

    private static func begin(_ isolation: PostgresIsolation, _ access: PostgresAccess) -> String {
        "BEGIN ISOLATION LEVEL \(isolation.rawValue) \(access.rawValue)"
    }

    /// Runs several statements as one text, without parameters or results: migrations.
    package func execute(script: String, deadline: Deadline? = nil) async throws {
        try await withSession(deadline: deadline) { try await $0.execute(script: script, deadline: deadline) }
    }
}
