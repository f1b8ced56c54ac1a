package import Postgres
package import QuartetMigrations

/// The databases by name, and which table is in which.
package struct Databases: Sendable {
    package let tables: TableMap
    private let clients: [DatabaseName: PostgresClient]

    package init(tables: TableMap = TableMap(), clients: [DatabaseName: PostgresClient]) {
        self.tables = tables
        self.clients = clients
    }

    /// The configuration of a client whose sessions plan and wait as these statements need it.
    ///
    /// Every statement looks rows up by key. A plan that was made while a table was small reads it from end to end, and
    /// is kept while the table grows: so plans that read whole tables are out, and with them compiling such plans; so are
    /// bitmaps, which gather all rows of a backlog where a limit wants the first. And for arrays of a few items the planner
    /// would make a new plan each time, only to find the same. What `options` of the URL name is left as it is. And whoever
    /// meets a lock that somebody else holds is told so before others have to wait.
    ///
    /// - Parameter url: as libpq takes it, see `PostgresConfiguration`.
    package static func configuration(url: String) throws -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(url: url)
        configuration.settings = [
            ("enable_seqscan", "off"), ("enable_bitmapscan", "off"), ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"),
        ]
        configuration.lockTimeout = .milliseconds(500)
        return configuration
    }

    package func client(of database: DatabaseName) throws -> PostgresClient {
        guard let client = clients[database] else {
            throw PostgresStoreError(.tableMap, "database \(database) has no URL")
        }
        return client
    }

    package func close() async {
        for client in clients.values { await client.close() }
    }

    /// Loads a file's statements, each for the database that its tables are in.
    ///
    /// - Parameter database: whose outbox they are about, if they name no other table.
    /// - Throws: `PostgresStoreError` for a statement whose tables are in two databases, or in none that is known.
    func statements(in file: SQLFile, of database: DatabaseName? = nil) throws -> StatementSet {
        var statements: [String: StoreStatement] = [:]
        for (name, text) in file.statements {
            let label = "\(file.label): statement \(name)"
            let (sql, databases) = try tables.render(text, label: label, in: database)
            guard let database = databases.first else {
                throw PostgresStoreError(.tableMap, "\(label) names no table")
            }
            guard databases.count == 1 else {
                let names = databases.map(\.rawValue).sorted().joined(separator: " and ")
                throw PostgresStoreError(
                    .tableMap, "\(label) names tables of databases \(names); one statement works in one database")
            }
            statements[name] = StoreStatement(name: name, sql: sql, client: try client(of: database))
        }
        return StatementSet(label: file.label, statements: statements)
    }
}

/// The statements of one file.
struct StatementSet {
    let label: String
    fileprivate let statements: [String: StoreStatement]

    var all: [String: StoreStatement] { statements }

    func named(_ name: String) throws -> StoreStatement {
        guard let statement = statements[name] else {
            throw PostgresStoreError(.tableMap, "\(label) has no statement named \(name)")
        }
        return statement
    }
}

/// A statement ready to be sent, and where to.
struct StoreStatement: Sendable {
    let name: String
    let sql: String
    let client: PostgresClient

    /// Runs it as a transaction of its own, sharing a connection and its round trips with other callers.
    func run<each Parameter: PostgresEncodable>(_ parameters: repeat each Parameter) async throws -> PostgresRows {
        try await client.query(PostgresStatement(sql, name: name, repeat each parameters))
    }

    /// Runs it on a connection of its own, so that nobody waits behind it: what takes long, and what locks rows that others
    /// may hold.
    func runAlone<each Parameter: PostgresEncodable>(_ parameters: repeat each Parameter) async throws -> PostgresRows {
        try await client.query(PostgresStatement(sql, name: name, repeat each parameters), isAlone: true)
    }
}
