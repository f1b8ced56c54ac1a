import ClientSupport
package import Logging
import Postgres

/// Brings the schemas forward, each service's and each outbox's by itself, and tells whether they are there.
///
/// Each migration is one transaction together with its row in the history, which is a table of the schema itself: a dump of
/// the schema takes it along. One that says so is a `LongMigration` instead. One migrator at a time works on a database.
package struct Migrator: Sendable {
    private static let lockKey: Int64 = 0x7175_6172_7465_7400

    let databases: Databases
    private let outbox: [Migration]
    private let roles: [String: String]
    let logger: Logger
    let observe: @Sendable (MigrationProgress) -> Void

    /// - Parameters:
    ///   - outbox: what makes the outbox of each database.
    ///   - roles: of services, to be the owners of their schemas.
    ///   - observe: is told how far a long migration is.
    package init(
        databases: Databases, outbox: [Migration], roles: [String: String] = [:], logger: Logger,
        observe: @escaping @Sendable (MigrationProgress) -> Void = { _ in }
    ) {
        self.databases = databases
        self.outbox = outbox
        self.roles = roles
        self.logger = logger
        self.observe = observe
    }

    /// Which steps one schema has had.
    package struct History: Sendable {
        /// The service's name, or `outbox.dropship`.
        package let name: String
        package let database: DatabaseName
        let schema: String
        let table: String
        let migrations: [Migration]
        /// Nil for an outbox.
        package let service: ServiceSchema?
    }

    /// Outboxes first: services write their events there.
    package var histories: [History] {
        let tables = databases.tables
        let outboxes = databases.names.map { name in
            History(
                name: "outbox.\(name)", database: name, schema: tables[.outbox, in: name].schema,
                table: "\(tables[.outbox, in: name].schema).outbox_migrations",
                // Databases may be one in the server, with the older histories of all of them.
                migrations: outbox.map { migration in
                    Migration(
                        version: migration.version, name: migration.name, sql: migration.sql,
                        formers: migration.formers.filter { $0.history == name.rawValue })
                },
                service: nil)
        }
        let services = tables.services.map { service in
            let place = tables.place(of: service)
            return History(
                name: service.name, database: place.database, schema: place.schema,
                table: "\(place.schema).\(service.name)_migrations", migrations: service.migrations, service: service)
        }
        return (outboxes.filter { !$0.migrations.isEmpty }) + services
    }

    /// Applies what is missing; returns how many migrations each history got.
    ///
    /// - Throws: `PostgresStoreError` when a history is not this build's, or what the failing SQL met; what came before stays
    ///   applied.
    @discardableResult
    package func migrate() async throws -> [(name: String, applied: Int)] {
        var report: [(name: String, applied: Int)] = []
        for history in histories { report.append((history.name, try await migrate(history))) }
        return report
    }

    /// How many migrations each history still lacks.
    package func pending() async throws -> [(name: String, count: Int)] {
        var report: [(name: String, count: Int)] = []
        for history in histories { report.append((history.name, try await pending(history))) }
        return report
    }

    package func pending(_ history: History) async throws -> Int {
        let applied = try await databases.client(of: history.database).withSession {
            try await self.applied(history, $0)
        }
        return try plan(history, applied: applied.checksums, mayBeNewer: true).count
    }

    /// Returns if the schema is what this build needs. One that is ahead will do: a migration keeps what older processes need.
    package func requireMigrated(_ history: History) async throws {
        let count = try await pending(history)
        guard count > 0 else { return }
        throw PostgresStoreError(
            .migration,
            "\(history.name) is \(count) migration\(count == 1 ? "" : "s") behind in database \(history.database): "
                + "run `quartet migrate`")
    }

    package func requireMigrated() async throws {
        for history in histories { try await requireMigrated(history) }
    }

    private func migrate(_ history: History) async throws -> Int {
        try await databases.client(of: history.database).withAdvisoryLock(Self.lockKey) { session in
            let before = try await applied(history, session)
            let missing = try plan(history, applied: before.checksums, mayBeNewer: false)
            if !before.isThere {
                try await session.execute(script: "CREATE SCHEMA IF NOT EXISTS \(history.schema)")
                try await session.execute(script: Self.historyTable(history.table))
            }
            for migration in history.migrations where before.adopted.contains(migration.version) {
                try await session.execute(script: Self.note(migration, in: history))
            }
            for migration in missing {
                try await apply(migration, in: history, session)
                logger.info(
                    "migration applied",
                    metadata: [
                        "schema": "\(history.name)", "version": "\(migration.version)", "name": "\(migration.name)",
                    ])
            }
            try await makeExtensionParts(of: history, session)
            if let service = history.service, let role = roles[service.name] {
                try await session.execute(script: ownership(of: history, role: role))
            }
            return missing.count
        }
    }

    /// Everyone who comes after a statement that waits for a table waits as well: so it waits for a moment, lets them pass
    /// and comes again, until the table is free.
    func inTurns<Value>(_ body: () async throws -> Value) async throws -> Value {
        let deadline = Deadline.after(Self.lockPatience)
        var attempt = 0
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isContended {
                let next = ContinuousClock.now.advanced(by: Self.lockBackoff.delay(attempt: attempt))
                guard next < deadline.instant else { throw error }
                if attempt == 0 { logger.notice("a migration waits for a lock", metadata: ["error": "\(error)"]) }
                try await ContinuousClock().sleep(until: next)
                attempt += 1
            }
        }
    }

    private static let lockPatience: Duration = .seconds(600)
    private static let lockBackoff = Backoff(base: .milliseconds(100), max: .seconds(2))

    private func apply(_ migration: Migration, in history: History, _ session: PostgresSession) async throws {
        let sql = try sql(of: migration, in: history)
        if let long = try LongMigration(sql) {
            try await run(long, of: migration, in: history, session)
            return try await session.execute(script: Self.note(migration, in: history))
        }
        // The migration and its row in the history: a script of several statements is one transaction. It waits for shorter
        // than others wait for theirs: whoever comes behind it is let through, and not turned away.
        let script = """
            SELECT set_config('lock_timeout', '100ms', true);
            \(sql)
            ;
            \(Self.note(migration, in: history))
            """
        try await inTurns { try await session.execute(script: script) }
    }

    func sql(of migration: Migration, in history: History) throws -> String {
        let label = "migration \(history.name)/\(migration.version)"
        let rendered = try databases.tables.render(migration.sql, label: label, in: history.database)
        if let stranger = rendered.tables.first(where: { !(history.service?.owns($0) ?? false) }) {
            throw PostgresStoreError(.tableMap, "\(label) names table \(stranger), which is another service's")
        }
        return rendered.sql
    }

    private static func note(_ migration: Migration, in history: History) -> String {
        let name = migration.name.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        return """
            INSERT INTO \(history.table) (version, name, checksum)
            VALUES (\(migration.version), '\(name)', '\(migration.checksum)') ON CONFLICT DO NOTHING;
            """
    }

    private struct Applied {
        /// By version, those that were adopted among them.
        var checksums: [Int: String] = [:]
        /// Those that an older build applied, and that are not in the history yet.
        var adopted: Set<Int> = []
        var isThere = false
    }

    private func applied(_ history: History, _ session: PostgresSession) async throws -> Applied {
        var applied = Applied()
        let exist = PostgresStatement(
            "SELECT to_regclass($1) IS NOT NULL, to_regclass('public.quartet_migrations') IS NOT NULL",
            name: "has_migrations", history.table)
        let (isThere, hasFormer) = try await session.query(exist).single().decode(Bool.self, Bool.self)
        applied.isThere = isThere
        if isThere {
            let rows = try await session.query(
                PostgresStatement("SELECT version, checksum FROM \(history.table)", name: "migrations"))
            for row in rows {
                let (version, checksum) = try row.decode(Int.self, String.self)
                applied.checksums[version] = checksum
            }
        }
        let open = history.migrations.filter { applied.checksums[$0.version] == nil && !$0.formers.isEmpty }
        guard hasFormer, !open.isEmpty else { return applied }
        let rows = try await session.query(
            PostgresStatement("SELECT database, version FROM public.quartet_migrations", name: "former_migrations"))
        let formers = Set(try rows.map { try Migration.Former($0.decode(String.self, Int.self)) })
        for migration in open where !formers.isDisjoint(with: migration.formers) {
            applied.checksums[migration.version] = migration.checksum
            applied.adopted.insert(migration.version)
        }
        return applied
    }

    /// The migrations that are missing, or an error that says what to do about a history that is not this build's.
    private func plan(_ history: History, applied: [Int: String], mayBeNewer: Bool) throws -> [Migration] {
        let known = history.migrations
        let newest = applied.keys.max() ?? 0
        if newest > known.count, !mayBeNewer {
            throw PostgresStoreError(
                .migration,
                "\(history.name) is at migration \(newest), this build knows \(known.count): use the newer build")
        }
        for (index, migration) in known.enumerated() {
            precondition(migration.version == index + 1, "migrations of \(history.name) are numbered 1, 2, 3 ...")
            guard let checksum = applied[migration.version] else {
                guard migration.version > newest else {
                    throw PostgresStoreError(
                        .migration,
                        "\(history.name) lacks migration \(migration.version) but has \(newest): "
                            + "restore its row in \(history.table), or the database")
                }
                return Array(known[index...])
            }
            guard checksum == migration.checksum else {
                throw PostgresStoreError(
                    .migration,
                    "migration \(history.name)/\(migration.version) was edited after it was applied: "
                        + "put the file back and add a new migration")
            }
        }
        return []
    }

    private static func historyTable(_ name: String) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(name) (
            version integer PRIMARY KEY CHECK (version > 0),
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    }

    /// Makes the service's role, where it is not there, the owner of all of the service's schema, and lets it write events.
    private func ownership(of history: History, role: String) -> String {
        let events = databases.tables[.emit, in: history.database].schema
        return """
            DO $$
            DECLARE item text;
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(role)') THEN
                    CREATE ROLE \(role) NOLOGIN;
                    GRANT \(role) TO CURRENT_USER;
                END IF;
                EXECUTE format('GRANT CREATE ON DATABASE %I TO \(role)', current_database());
                ALTER SCHEMA \(history.schema) OWNER TO \(role);
                EXECUTE format('REVOKE CREATE ON DATABASE %I FROM \(role)', current_database());
                FOR item IN
                    SELECT format('ALTER %s %s OWNER TO \(role)',
                        CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
                        c.oid::regclass)
                    FROM pg_class c
                    WHERE c.relnamespace = '\(history.schema)'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
                        AND c.relowner <> '\(role)'::regrole
                    UNION ALL
                    SELECT format('ALTER FUNCTION %s OWNER TO \(role)', p.oid::regprocedure) FROM pg_proc p
                    WHERE p.pronamespace = '\(history.schema)'::regnamespace AND p.proowner <> '\(role)'::regrole
                LOOP
                    EXECUTE item;
                END LOOP;
                GRANT USAGE ON SCHEMA \(events) TO \(role);
            END
            $$
            """
    }
}

extension Migration.Former {
    fileprivate init(_ row: (history: String, version: Int)) {
        self.init(history: row.history, version: row.version)
    }
}
