package import Postgres

/// A statement ready to be sent, and where to.
package struct StoreStatement: Sendable {
    package let name: String
    package let sql: String
    package let client: PostgresClient
    package let database: DatabaseName
    /// Those of the outbox not among them.
    package let tables: [Table]
    let meter: StatementMeter?

    /// Runs it as a transaction of its own, sharing a connection and its round trips with other callers.
    package func run<each Parameter: PostgresEncodable>(
        _ parameters: repeat each Parameter
    ) async throws -> PostgresRows {
        let statement = PostgresStatement(sql, name: name, repeat each parameters)
        guard let meter else { return try await client.query(statement) }
        return try await meter.measure { try await client.query(statement) }
    }

    /// As ``run(_:)``, of parameters whose number is known at run time only.
    package func run(parameters: PostgresParameters) async throws -> PostgresRows {
        let statement = PostgresStatement(sql, name: name, parameters: parameters)
        guard let meter else { return try await client.query(statement) }
        return try await meter.measure { try await client.query(statement) }
    }

    /// Runs it on a connection of its own, so that nobody waits behind it: what takes long, and what locks rows that others
    /// may hold.
    ///
    /// - Parameter isLarge: of so many rows that a plan is made for them. The one that is kept may be of a time when the
    ///   tables were small, and read them from end to end.
    package func runAlone<each Parameter: PostgresEncodable>(
        isLarge: Bool = false, _ parameters: repeat each Parameter
    ) async throws -> PostgresRows {
        let statement = PostgresStatement(sql, name: name, repeat each parameters)
        guard let meter else { return try await runAlone(isLarge: isLarge, statement) }
        return try await meter.measure { try await runAlone(isLarge: isLarge, statement) }
    }

    private func runAlone(isLarge: Bool, _ statement: PostgresStatement) async throws -> PostgresRows {
        guard isLarge else { return try await client.query(statement, isAlone: true) }
        return try await client.transaction { session in
            try await session.execute(script: Self.ownPlan)
            return try await session.query(statement)
        }
    }

    /// What a transaction of large statements begins with.
    package static let ownPlan = "SET LOCAL plan_cache_mode = force_custom_plan"

    /// Runs several of them in one transaction, which belongs to the database that this one's table is in.
    package func transaction<Value: Sendable>(
        _ body: (UnitOfWork) async throws -> Value
    ) async throws -> Value {
        try await client.transaction { session in try await body(UnitOfWork(session: session, first: self)) }
    }
}

/// Writes that take effect together, or not at all: all of them in one database, since no transaction spans two.
package struct UnitOfWork: Sendable {
    package let session: PostgresSession
    let first: StoreStatement

    /// - Throws: `PostgresStoreError` that names both tables, for a statement of another database or another service.
    package func run<each Parameter: PostgresEncodable>(
        _ statement: StoreStatement, _ parameters: repeat each Parameter
    ) async throws -> PostgresRows {
        guard statement.client === first.client else {
            throw PostgresStoreError(
                .twoDatabases,
                "a unit of work on \(first.place) can't also write \(statement.place): what must change in both is an event"
            )
        }
        return try await session.query(
            PostgresStatement(statement.sql, name: statement.name, repeat each parameters))
    }
}

extension StoreStatement {
    /// For people.
    fileprivate var place: String { "\(tables.first?.rawValue ?? name) (database \(database))" }
}
