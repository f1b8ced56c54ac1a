package import ClientSupport

/// One connection that nobody else uses meanwhile. Its statements run in the order in which they are sent; it is of no
/// use after the call that gave it.
package struct PostgresSession: Sendable {
    let connection: PostgresConnection
    /// Nothing takes effect before COMMIT.
    let isInTransaction: Bool
    /// When the whole transaction has to end.
    let deadline: Deadline?
    let statementTimeout: Duration

    /// False once the connection is known to be lost, and with it the transaction and its locks.
    package var isConnected: Bool { connection.isOpen }

    package func query(_ statement: PostgresStatement, deadline: Deadline? = nil) async throws -> PostgresRows {
        try await inTransaction {
            try await connection.perform(
                isInTransaction ? .statement(statement) : statement.request, deadline: limit(deadline),
                isRepeatable: !isInTransaction
            ).single()
        }
    }

    /// Runs several statements in one round trip. In a transaction both modes are the same: the first failure ends it.
    package func pipeline(
        _ statements: [PostgresStatement], mode: PostgresPipelineMode = .atomic, deadline: Deadline? = nil
    ) async throws -> [Result<PostgresRows, PostgresError>] {
        try await inTransaction {
            try await connection.pipeline(
                statements, mode: isInTransaction ? .atomic : mode, deadline: limit(deadline),
                isRepeatable: !isInTransaction)
        }
    }

    /// Runs several statements as one text, without parameters or results.
    package func execute(script: String, deadline: Deadline? = nil) async throws {
        try await inTransaction {
            try await connection.perform(.script(script, .none), deadline: limit(deadline)).check()
        }
    }

    func limit(_ deadline: Deadline?) -> Deadline {
        let ownLimit = deadline ?? .after(statementTimeout)
        return self.deadline.map { min($0, ownLimit) } ?? ownLimit
    }

    /// What fails before COMMIT is rolled back, so it has not happened.
    func inTransaction<Value>(_ body: () async throws -> Value) async throws -> Value {
        guard isInTransaction else { return try await body() }
        do {
            return try await body()
        } catch let error as PostgresError where error.mayHaveHappened {
            if error.code == .cancelled { throw CancellationError() }
            throw error.about(error.statementName)
        }
    }
}
