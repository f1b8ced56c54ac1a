import ClientSupport
package import Logging
import Postgres
package import QuartetMigrations

/// Brings the databases' schemas forward, and tells at boot whether they are there.
///
/// Each migration is one transaction together with its row in `quartet_migrations`, and one migrator at a time works on
/// a database. Databases that share one physical database keep their rows apart by name.
package struct Migrator: Sendable {
    private static let lockKey: Int64 = 0x7175_6172_7465_7400

    private let databases: Databases
    private let migrations: @Sendable (DatabaseName) -> [Migration]
    private let logger: Logger

    package init(
        databases: Databases, migrations: @escaping @Sendable (DatabaseName) -> [Migration] = Migrations.of,
        logger: Logger
    ) {
        self.databases = databases
        self.migrations = migrations
        self.logger = logger
    }

    /// Applies what is missing, database by database; returns how many migrations each got.
    ///
    /// - Throws: `PostgresStoreError` when a database's history is not this build's, or what the failing SQL met; what
    ///   came before stays applied.
    @discardableResult
    package func migrate() async throws -> [(database: DatabaseName, applied: Int)] {
        var report: [(database: DatabaseName, applied: Int)] = []
        for database in DatabaseName.allCases { report.append((database, try await migrate(database))) }
        return report
    }

    /// The migrations that each database still lacks.
    package func pending() async throws -> [(database: DatabaseName, count: Int)] {
        var report: [(database: DatabaseName, count: Int)] = []
        for database in DatabaseName.allCases {
            let history = try await databases.client(of: database).withSession {
                try await self.history(of: database, $0)
            }
            report.append((database, try plan(database, history: history, mayBeNewer: true).count))
        }
        return report
    }

    /// Returns if every database has what this build needs. One that is ahead will do: a migration keeps what older
    /// processes need.
    package func requireMigrated() async throws {
        let behind = try await pending().filter { $0.count > 0 }
        guard let first = behind.first else { return }
        let count = "\(first.count) migration\(first.count == 1 ? "" : "s")"
        throw PostgresStoreError(
            .migration, "database \(first.database) is \(count) behind: run `quartet migrate`")
    }

    private func migrate(_ database: DatabaseName) async throws -> Int {
        try await databases.client(of: database).withAdvisoryLock(Self.lockKey) { session in
            try await session.execute(script: Self.historyTable)
            let missing = try plan(database, history: try await history(of: database, session), mayBeNewer: false)
            guard !missing.isEmpty else { return 0 }
            for schema in databases.tables.schemas(of: database) {
                try await session.execute(script: "CREATE SCHEMA IF NOT EXISTS \(schema)")
            }
            for migration in missing {
                let script = try script(of: migration, in: database)
                try await inTurns { try await session.execute(script: script) }
                logger.info(
                    "migration applied",
                    metadata: [
                        "database": "\(database)", "version": "\(migration.version)", "name": "\(migration.name)",
                    ])
            }
            return missing.count
        }
    }

    /// Everyone who comes after a statement that waits for a table waits as well: so it waits for a moment, lets them pass
    /// and comes again, until the table is free.
    private func inTurns(_ body: () async throws -> Void) async throws {
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

    /// The migration and its row in the history: a script of several statements is one transaction.
    private func script(of migration: Migration, in database: DatabaseName) throws -> String {
        let label = "migration \(database)/\(migration.version)"
        let (sql, places) = try databases.tables.render(migration.sql, label: label, in: database)
        if let other = places.first(where: { $0 != database }) {
            throw PostgresStoreError(
                .tableMap,
                "\(label) names a table that the table map puts into database \(other): map it to \(database)")
        }
        let name = migration.name.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        // Shorter than others wait for theirs: whoever comes behind it is let through, and not turned away.
        return """
            SELECT set_config('lock_timeout', '100ms', true);
            \(sql)
            ;
            INSERT INTO public.quartet_migrations (database, version, name, checksum)
            VALUES ('\(database)', \(migration.version), '\(name)', '\(migration.checksum)');
            """
    }

    private func history(of database: DatabaseName, _ session: PostgresSession) async throws -> [Int: String] {
        let exists = PostgresStatement(
            "SELECT to_regclass('public.quartet_migrations') IS NOT NULL", name: "has_migrations")
        guard try await session.query(exists).single().decode(0, as: Bool.self) else { return [:] }
        let rows = try await session.query(
            PostgresStatement(
                "SELECT version, checksum FROM public.quartet_migrations WHERE database = $1", name: "migrations",
                database.rawValue))
        return try rows.reduce(into: [:]) { history, row in
            let (version, checksum) = try row.decode(Int.self, String.self)
            history[version] = checksum
        }
    }

    /// The migrations that are missing, or an error that says what to do about a history that is not this build's.
    private func plan(_ database: DatabaseName, history: [Int: String], mayBeNewer: Bool) throws -> [Migration] {
        let known = migrations(database)
        let newest = history.keys.max() ?? 0
        if newest > known.count, !mayBeNewer {
            throw PostgresStoreError(
                .migration,
                "database \(database) is at migration \(newest), this build knows \(known.count): use the newer build")
        }
        for (index, migration) in known.enumerated() {
            precondition(migration.version == index + 1, "migrations of \(database) are numbered 1, 2, 3 ...")
            guard let checksum = history[migration.version] else {
                guard migration.version > newest else {
                    throw PostgresStoreError(
                        .migration,
                        "database \(database) lacks migration \(migration.version) but has \(newest): "
                            + "restore its row in quartet_migrations, or the database")
                }
                return Array(known[index...])
            }
            guard checksum == migration.checksum else {
                throw PostgresStoreError(
                    .migration,
                    "migration \(database)/\(migration.version) was edited after it was applied: "
                        + "put the file back and add a new migration")
            }
        }
        return []
    }

    private static let historyTable = """
        CREATE TABLE IF NOT EXISTS public.quartet_migrations (
            database text NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (database, version)
        )
        """
}
