import ClientSupport
import Logging
import Postgres

extension Migrator {
    /// Runs the steps of a long migration, each of which holds no lock that others wait for longer than a moment. Cut off, the
    /// next run does what is left: a valid index stays, an invalid one is built again, a backfill goes on where it was.
    func run(
        _ long: LongMigration, of migration: Migration, in history: History, _ session: PostgresSession
    ) async throws {
        let client = try databases.client(of: history.database)
        let label = "\(history.name)/\(migration.version)"
        for (number, step) in long.steps.enumerated() {
            switch step {
            case .statement(let sql):
                let script = "SELECT set_config('lock_timeout', '100ms', true);\n\(sql);"
                try await inTurns { try await session.execute(script: script) }
            case .index(let name, let sql):
                try await build(name, sql, label, schema: history.schema, client, session)
            case .backfill(let sql):
                let place = Backfill(
                    label: label, table: "\(history.table.dropLast("migrations".count))backfills",
                    version: migration.version, step: number)
                try await fill(sql, at: place, client)
            }
        }
    }

    // MARK: Indexes

    /// Others read and write meanwhile. It waits until every transaction ends that is older than it is, and lets others in.
    private func build(
        _ name: String, _ sql: String, _ label: String, schema: String, _ client: PostgresClient,
        _ session: PostgresSession
    ) async throws {
        // Waiting is no harm here: nobody who reads or writes waits behind it.
        try await session.execute(script: "SET lock_timeout = 0", deadline: nil)
        let watch = Task { await tellOfIndex("building index \(name)", label, client) }
        let outcome: Result<Void, any Error>
        do {
            let isInvalid = PostgresStatement(
                """
                SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                WHERE c.relname = $1 AND c.relnamespace = $2::text::regnamespace AND NOT i.indisvalid)
                """, name: "invalid_index", name, schema)
            if try await session.query(isInvalid).single().decode(0, as: Bool.self) {
                logger.notice("an index that was not finished is built again", metadata: ["index": "\(name)"])
                try await session.execute(
                    script: "DROP INDEX CONCURRENTLY IF EXISTS \(schema).\(name)", deadline: .after(Self.buildTimeMax))
            }
            try await session.execute(script: sql, deadline: .after(Self.buildTimeMax))
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        watch.cancel()
        await watch.value
        // On a connection that is gone there is nothing to restore.
        try? await session.execute(script: "RESET lock_timeout")
        try outcome.get()
    }

    private func tellOfIndex(_ work: String, _ label: String, _ client: PostgresClient) async {
        let look = PostgresStatement(
            """
            SELECT coalesce(sum(greatest(blocks_done, tuples_done)), 0)::bigint,
                coalesce(sum(greatest(blocks_total, tuples_total)), 0)::bigint
            FROM pg_stat_progress_create_index WHERE datname = current_database()
            """, name: "index_progress")
        while !Task.isCancelled {
            if let row = try? await client.query(look).first, let (done, total) = try? row.decode(Int.self, Int.self) {
                observe(MigrationProgress(migration: label, work: work, done: done, total: total > 0 ? total : nil))
            }
            try? await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(500)))
        }
    }

    private static let buildTimeMax: Duration = .seconds(7 * 86_400)

    // MARK: Backfills

    private struct Backfill {
        let label: String
        /// Where it is kept how far backfills are.
        let table: String
        let version: Int
        let step: Int
    }

    private func fill(_ sql: String, at place: Backfill, _ client: PostgresClient) async throws {
        try await client.execute(
            script: """
                CREATE TABLE IF NOT EXISTS \(place.table) (
                    version integer, step integer, place text NOT NULL, rows bigint NOT NULL, PRIMARY KEY (version, step));
                """)
        while let done = try await inTurns({ try await fillOnce(sql, at: place, client) }) {
            observe(MigrationProgress(migration: place.label, work: "filling rows", done: done, total: nil))
        }
    }

    /// A batch and where it ends, together; gives how many rows all batches had, nil behind the last.
    private func fillOnce(_ sql: String, at place: Backfill, _ client: PostgresClient) async throws -> Int? {
        let find = PostgresStatement(
            "SELECT place FROM \(place.table) WHERE version = $1 AND step = $2", name: "backfill_place", place.version,
            place.step)
        let save = { (end: String, count: Int) in
            PostgresStatement(
                """
                INSERT INTO \(place.table) AS b (version, step, place, rows) VALUES ($1, $2, $3, $4)
                ON CONFLICT (version, step) DO UPDATE SET place = excluded.place, rows = b.rows + excluded.rows
                RETURNING rows
                """, name: "backfill_end", place.version, place.step, end, count)
        }
        return try await client.transaction { session in
            _ = try await session.query(PostgresStatement("SELECT set_config('lock_timeout', '100ms', true)"))
            let start = try await session.query(find).first?.decode(0, as: String.self)
            let batch = try await session.query(PostgresStatement(sql, name: "backfill", start)).first
            guard let batch else { return nil }
            let (end, count) = try batch.decode(String.self, Int.self)
            return try await session.query(save(end, count)).single().decode(0, as: Int.self)
        }
    }
}
