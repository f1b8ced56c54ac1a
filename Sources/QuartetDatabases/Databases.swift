package import ClientSupport
package import Postgres

/// The databases by name, and which table is in which: the router. Code names a table; this finds its connections.
package struct Databases: Sendable {
    package let tables: TableMap
    private let clients: [DatabaseName: PostgresClient]
    private let pools: [String: PostgresClient]

    /// - Parameters:
    ///   - clients: of each database.
    ///   - pools: connections that services have of their own, by the services' names. The others use their database's.
    package init(
        tables: TableMap, clients: [DatabaseName: PostgresClient], pools: [String: PostgresClient] = [:]
    ) {
        self.tables = tables
        self.clients = clients
        self.pools = pools
    }

    package var names: [DatabaseName] { clients.keys.sorted() }

    /// The configuration of a client whose sessions plan and wait as these statements need it.
    ///
    /// Every statement looks rows up by key. A plan that was made while a table was small reads it from end to end, and
    /// is kept while the table grows: so plans that read whole tables are out, and with them compiling such plans; so are
    /// bitmaps, which gather all rows of a backlog where a limit wants the first. And for arrays of a few items the planner
    /// would make a new plan each time, only to find the same. What `options` of the URL name is left as it is. And whoever
    /// meets a lock that somebody else holds is told so before others have to wait.
    ///
    /// Statements are made for transactions that see what others commit, and times go out in UTC, whatever a database or a
    /// role was given for a default.
    ///
    /// - Parameter url: as libpq takes it, see `PostgresConfiguration`.
    package static func configuration(url: String) throws -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(url: url)
        configuration.settings = [
            ("enable_seqscan", "off"), ("enable_bitmapscan", "off"), ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"), ("default_transaction_isolation", "read committed"),
            ("TimeZone", "UTC"),
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

    /// The connections that a service uses.
    package func client(of service: ServiceSchema) throws -> PostgresClient {
        try pools[service.name] ?? client(of: tables.place(of: service).database)
    }

    package func close() async {
        for client in clients.values { await client.close() }
        for pool in pools.values { await pool.close() }
    }

    /// Loads a file's statements, each for the database that its tables are in.
    ///
    /// - Parameter database: whose outbox they are about, if they name no other table.
    /// - Throws: `PostgresStoreError` for a statement whose tables are in two databases, or in none that is known.
    package func statements(in file: SQLFile, of database: DatabaseName? = nil) throws -> StatementSet {
        try load(file) { label, text in
            let rendered = try tables.render(text, label: label, in: database)
            guard let database = rendered.databases.first else {
                throw PostgresStoreError(.tableMap, "\(label) names no table")
            }
            if let first = rendered.tables.first,
                let other = rendered.tables.first(where: { tables[$0].database != tables[first].database })
            {
                throw PostgresStoreError(
                    .tableMap,
                    "\(label) names \(first) of database \(tables[first].database) and \(other) of database "
                        + "\(tables[other].database); one statement works in one database")
            }
            return (rendered, try client(of: database), database, nil)
        }
    }

    /// Loads the statements of a service, which name its own tables only, and what writes events.
    ///
    /// - Throws: `PostgresStoreError` for a statement that names another service's table.
    package func statements(in file: SQLFile, of service: ServiceSchema) throws -> StatementSet {
        let place = tables.place(of: service)
        let (client, meter) = (try client(of: service), StatementMeter(service: service.name, database: place.database))
        return try load(file) { label, text in
            let rendered = try tables.render(text, label: label, in: place.database)
            if let stranger = rendered.tables.first(where: { !service.owns($0) }) {
                let owner = tables.owner(of: stranger)?.name ?? "nobody"
                throw PostgresStoreError(
                    .tableMap, "\(label) of the service \(service.name) names table \(stranger), which is \(owner)'s")
            }
            return (rendered, client, place.database, meter)
        }
    }

    private func load(
        _ file: SQLFile,
        _ resolve: (_ label: String, _ text: String) throws -> (
            TableMap.Rendered, PostgresClient, DatabaseName, StatementMeter?
        )
    ) throws -> StatementSet {
        var statements: [String: StoreStatement] = [:]
        for (name, text) in file.statements {
            let (rendered, client, database, meter) = try resolve("\(file.label): statement \(name)", text)
            statements[name] = StoreStatement(
                name: name, sql: rendered.sql, client: client, database: database, tables: rendered.tables, meter: meter
            )
        }
        return StatementSet(label: file.label, all: statements)
    }
}

/// The statements of one file.
package struct StatementSet: Sendable {
    package let label: String
    package let all: [String: StoreStatement]

    package func named(_ name: String) throws -> StoreStatement {
        guard let statement = all[name] else {
            throw PostgresStoreError(.tableMap, "\(label) has no statement named \(name)")
        }
        return statement
    }
}

extension Databases {
    /// Whether a database answers and takes writes: one that does not, a standby or a primary that gave way, is refused as a
    /// write would be, so that its connection is left for one to another server, where there is one.
    ///
    /// - Throws: `PostgresError`.
    package func requireWritable(_ database: DatabaseName, deadline: Deadline? = nil) async throws {
        let look = """
            DO $$ BEGIN
                IF current_setting('transaction_read_only')::boolean THEN
                    RAISE EXCEPTION 'the server takes no writes' USING ERRCODE = 'read_only_sql_transaction';
                END IF;
            END $$
            """
        _ = try await client(of: database).query(PostgresStatement(look, name: "takes_writes"), deadline: deadline)
    }

    /// Whether a service finds its tables, with its own connections and rights.
    ///
    /// - Throws: `PostgresStoreError` that names the first one which it does not.
    package func requireSchema(of service: ServiceSchema, deadline: Deadline? = nil) async throws {
        let place = tables.place(of: service)
        let names = service.tables.map { "\(place.schema).\($0)" }
        let look = PostgresStatement(
            "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL LIMIT 1", name: "has_tables",
            names)
        guard let missing = try await client(of: service).query(look, deadline: deadline).first else { return }
        throw PostgresStoreError(
            .migration,
            "the service \(service.name) lacks \(try missing.decode(0, as: String.self)) in database \(place.database): run `quartet migrate`"
        )
    }

    /// Whether a service can read its tables: they are there, its rights are enough, and nobody keeps it out.
    ///
    /// - Throws: `PostgresStoreError` that names a table which is not there; what PostgreSQL says of another one.
    package func requireReadable(of service: ServiceSchema, deadline: Deadline? = nil) async throws {
        try await requireSchema(of: service, deadline: deadline)
        let place = tables.place(of: service)
        let looks = service.tables.map { "(SELECT count(*) FROM (SELECT FROM \(place.schema).\($0) LIMIT 0) t)" }
        guard !looks.isEmpty else { return }
        _ = try await client(of: service).query(
            PostgresStatement("SELECT \(looks.joined(separator: " + "))", name: "reads_tables"), deadline: deadline)
    }
}
