package import ClientSupport

extension PostgresClient {
    /// Runs `body` while holding the session-level advisory lock `key`, waiting for it until the deadline.
    ///
    /// The lock goes with its connection: what `body` writes must be written through its session, or be fenced otherwise.
    package nonisolated(nonsending) func withAdvisoryLock<Value: Sendable>(
        _ key: Int64, deadline: Deadline? = nil, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let limit = limit(deadline)
        var attempt = 0
        // Asked for again and again: waiting at the server would end with its time for locks.
        while true {
            if let value = try await withAdvisoryLockIfFree(key, deadline: limit, body) { return value }
            let next = ContinuousClock.now.advanced(by: Self.lockBackoff.delay(attempt: attempt))
            guard next < limit.instant else {
                throw PostgresError(.deadlineExceeded, "somebody else holds the lock", statementName: "advisory lock")
            }
            try await ContinuousClock().sleep(until: next)
            attempt += 1
        }
    }

    private static let lockBackoff = Backoff(base: .milliseconds(20), max: .milliseconds(500))

    /// As ``withAdvisoryLock(_:deadline:_:)``, but returns nil at once if somebody else holds the lock.
    package nonisolated(nonsending) func withAdvisoryLockIfFree<Value: Sendable>(
        _ key: Int64, deadline: Deadline? = nil, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value? {
        try await withSession(deadline: deadline) { session in
            guard !session.connection.isPooled else { throw Self.needsSession }
            let lock = PostgresStatement("SELECT pg_try_advisory_lock($1)", name: "advisory lock", key)
            guard try await ask(lock, session, deadline: deadline).single().decode(0, as: Bool.self) else {
                return nil
            }
            return try await holding(key, session, body)
        }
    }

    private static let needsSession = PostgresError(
        .configuration,
        "this needs a session of its own, and a connection pool in transaction mode is in between: give it a URL of "
            + "PostgreSQL itself, or of a pool in session mode with db.pooling: session")

    /// A lock may have been granted to a caller that did not learn it. It goes with the connection.
    private nonisolated(nonsending) func ask(
        _ lock: PostgresStatement, _ session: PostgresSession, deadline: Deadline?
    ) async throws -> PostgresRows {
        do {
            return try await session.query(lock, deadline: deadline)
        } catch {
            await session.connection.close()
            throw error
        }
    }

    private nonisolated(nonsending) func holding<Value: Sendable>(
        _ key: Int64, _ session: PostgresSession, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body(
                    PostgresSession(
                        connection: session.connection, isInTransaction: false, deadline: nil,
                        statementTimeout: session.statementTimeout)))
        } catch {
            result = .failure(error)
        }
        await unlock(key, session.connection)
        return try result.get()
    }

    /// Also for a caller that was cancelled. Closing the connection lets go of the lock as well.
    private func unlock(_ key: Int64, _ connection: PostgresConnection) async {
        let outcome = await connection.perform(
            .statement(PostgresStatement("SELECT pg_advisory_unlock($1)", name: "advisory unlock", key)),
            deadline: .after(configuration.cancellationGrace), isShielded: true)
        guard let rows = try? outcome.single(), (try? rows.first?.decode(0, as: Bool.self)) == true else {
            return await connection.close()
        }
    }
}
