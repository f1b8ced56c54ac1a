import ClientSupport
import Postgres
import QuartetDatabases
import Synchronization
import Testing

@testable import QuartetStores

/// Migrations that take long while others go on, killed and run again.
@Suite("Long migrations", .timeLimit(.minutes(5))) struct LongMigrationTests {
    private let first = Migration(
        version: 1, name: "first",
        sql: """
            CREATE TABLE {listings} (id int PRIMARY KEY, x int NOT NULL DEFAULT 0, times int NOT NULL DEFAULT 0);
            INSERT INTO {listings} SELECT n FROM generate_series(1, 1000) n;
            """)
    private let index = Migration(
        version: 2, name: "index",
        sql: """
            -- outside a transaction
            -- Who looks by x?
            CREATE INDEX CONCURRENTLY IF NOT EXISTS listings_by_x ON {listings} (x);

            ALTER TABLE {listings} ADD COLUMN IF NOT EXISTS y int;
            """)
    private let backfill = Migration(
        version: 2, name: "backfill",
        sql: """
            -- outside a transaction
            -- backfill
            WITH chosen AS (
                SELECT id FROM {listings} WHERE id > coalesce($1::text::int, 0) ORDER BY id LIMIT 100 FOR NO KEY UPDATE
            ), changed AS (
                UPDATE {listings} t SET x = t.id * 2, times = t.times + 1 FROM chosen WHERE t.id = chosen.id RETURNING t.id
            )
            SELECT max(id)::text, count(*) FROM changed HAVING count(*) > 0;
            """)

    @Test("an index is built while others write; killed in between, the next run makes it again")
    func indexBuild() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let client = try databases.client(of: .market)
            _ = try await migrator(databases, [first]).migrate()
            try await client.transaction { session in
                // For the end of this the build waits, and writers don't wait for the build.
                _ = try await session.query(PostgresStatement("UPDATE listings.listings SET x = 5 WHERE id = 1"))
                async let cut: Void = expectCut { try await migrator(databases, [first, index]).migrate() }
                try await eventually(client, "SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid")
                for id in 2..<50 { try await write(id, client) }
                let kill = """
                    SELECT count(pg_terminate_backend(pid)) = 1 FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONC%'
                    """
                try await eventually(client, kill)
                await cut
                try await eventually(client, "SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid")
                #expect(try await migrator(databases, [first, index]).pending().map(\.count) == [1, 0])

                async let applied = migrator(databases, [first, index]).migrate()
                let waits = """
                    SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                    AND query LIKE '%INDEX CONC%' AND wait_event_type = 'Lock'
                    """
                try await eventually(client, waits)
                for id in 50..<100 { try await write(id, client) }
                _ = try await session.query(PostgresStatement("COMMIT"))
                #expect(try await applied.map(\.applied) == [1, 0])
            }
            try await eventually(
                client, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'listings.listings_by_x'::regclass")
            #expect(try await migrator(databases, [first, index]).migrate().map(\.applied) == [0, 0])
            try await eventually(client, "SELECT count(*) = 99 FROM listings.listings WHERE x = 5")
        }
    }

    @Test("a backfill goes on where it was, has each row once, and waits for no row for long")
    func backfilling() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let client = try databases.client(of: .market)
            _ = try await migrator(databases, [first]).migrate()
            try await client.transaction { session in
                _ = try await session.query(
                    PostgresStatement("SELECT FROM listings.listings WHERE id = 550 FOR UPDATE"))
                let cut = Task { try await migrator(databases, [first, backfill]).migrate() }
                try await eventually(
                    client, "SELECT count(*) = 500 FROM listings.listings WHERE times = 1",
                    "SELECT rows = 500 FROM listings.listings_backfills")
                // Rows before the one that is held are not kept from others.
                try await write(501, client)
                cut.cancel()
                _ = await cut.result
                _ = try await session.query(PostgresStatement("COMMIT"))
            }
            let told = Told()
            let applied = try await migrator(databases, [first, backfill]) { told.add($0) }.migrate()
            #expect(applied.map(\.applied) == [1, 0])
            #expect(told.all.map(\.done) == [600, 700, 800, 900, 1000])
            try await eventually(client, "SELECT count(*) = 1000 FROM listings.listings WHERE times = 1 AND x = id * 2")
            #expect(try await migrator(databases, [first, backfill]).pending().map(\.count) == [0, 0])
        }
    }

    @Test(
        "what can't run outside a transaction is refused before anything runs",
        arguments: [
            "CREATE INDEX CONCURRENTLY a ON {listings} (x);",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON {listings} (x)", "",
        ])
    func refusals(_ sql: String) async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let wrong = Migration(version: 2, name: "wrong", sql: "-- outside a transaction\n\(sql)")
            await #expect(throws: PostgresStoreError.self) { try await migrator(databases, [first, wrong]).migrate() }
            let pending = try await migrator(databases, [first, wrong]).pending().map(\.count)
            #expect(pending == [1, 0])
        }
    }

    private func expectCut(_ body: () async throws -> [(name: String, applied: Int)]) async {
        await #expect(throws: PostgresError.self) { _ = try await body() }
    }

    /// Fails if somebody holds the row or the table for half a second.
    private func write(_ id: Int, _ client: PostgresClient) async throws {
        let sql = PostgresStatement("UPDATE listings.listings SET x = 5 WHERE id = $1", name: "write", id)
        _ = try await client.query(sql)
    }

    private func eventually(_ client: PostgresClient, _ questions: String...) async throws {
        for question in questions {
            while true {
                let row = try? await client.query(PostgresStatement(question, name: "look")).first
                if try row?.decode(0, as: Bool.self) ?? false { break }
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
            }
        }
    }

    private func migrator(
        _ databases: Databases, _ migrations: [Migration],
        observe: @escaping @Sendable (MigrationProgress) -> Void = { _ in }
    ) throws -> Migrator {
        let listings = ServiceSchema("listings", in: .market, tables: [Table("listings")], migrations: migrations)
        let strangers = ServiceSchema("strangers", in: .market, tables: [Table("strangers")], migrations: [])
        let client = try databases.client(of: .market)
        return Migrator(
            databases: Databases(
                tables: TableMap(services: [listings, strangers]), clients: [.market: client]),
            outbox: [], logger: PostgresTestDatabase.logger, observe: observe)
    }
}

private final class Told: Sendable {
    private let progress = Mutex<[MigrationProgress]>([])

    var all: [MigrationProgress] { progress.withLock { $0 } }
    func add(_ one: MigrationProgress) { progress.withLock { $0.append(one) } }
}
