import Postgres
import QuartetDatabases
import QuartetMigrations
import Testing

@testable import QuartetStores

@Suite("Migrator", .serialized)
struct MigratorTests {
    private let first = Migration(version: 1, name: "first", sql: "CREATE TABLE {listings} (id int);")
    private let second = Migration(version: 2, name: "it's second", sql: "ALTER TABLE {listings} ADD x int")

    /// Of this build, in the order in which they are applied.
    private static let counts =
        [5, 5, 5] + TableMap.house.services.map(\.migrations.count)

    @Test("an empty database gets everything once, and is not behind then")
    func everything() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let migrator = Migrator(databases: databases, logger: PostgresTestDatabase.logger)
            #expect(try await migrator.pending().map(\.count) == Self.counts)
            let message = "outbox.source is 5 migrations behind in database source: run `quartet migrate`"
            await #expect(throws: PostgresStoreError(.migration, message)) { try await migrator.requireMigrated() }
            let names = ["outbox.source", "outbox.dropship", "outbox.market"] + TableMap.house.services.map(\.name)
            #expect(try await migrator.migrate().map(\.name) == names)
            #expect(try await migrator.migrate().allSatisfy { $0.applied == 0 })
            #expect(try await migrator.pending().allSatisfy { $0.count == 0 })
            try await migrator.requireMigrated()
        }
    }

    @Test("migrators that run at once apply each migration once")
    func atOnce() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let migrator = Migrator(databases: databases, logger: PostgresTestDatabase.logger)
                        return try await migrator.migrate().reduce(0) { $0 + $1.applied }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(applied == Self.counts.reduce(0, +))
        }
    }

    @Test("a table that somebody holds is waited for, and those who use it meanwhile are let through")
    func heldTable() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            try await migrator(databases, [first]).migrate()
            let client = try databases.client(of: .market)
            let table = "listings.listings"
            try await client.transaction { session in
                _ = try await session.query(PostgresStatement("SELECT FROM \(table)"))
                async let applied = migrator(databases, [first, second]).migrate()
                // Behind a statement that waits for the whole table nobody else would come in.
                for _ in 0..<3 {
                    let read = PostgresStatement("SELECT FROM \(table)")
                    let rows = try await client.withSession { try await $0.query(read) }
                    #expect(rows.isEmpty)
                }
                _ = try await session.query(PostgresStatement("COMMIT"))
                let counts = try await applied.map(\.applied)
                #expect(counts == [1, 0])
            }
        }
    }

    @Test("later migrations go on where the database is")
    func later() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            #expect(try await migrator(databases, [first]).migrate().map(\.applied) == [1, 0])
            #expect(try await migrator(databases, [first, second]).pending().map(\.count) == [1, 0])
            #expect(try await migrator(databases, [first, second]).migrate().map(\.applied) == [1, 0])
            let rows = try await databases.client(of: .market).query(
                PostgresStatement("SELECT name FROM listings.listings_migrations ORDER BY version"))
            #expect(try rows.map { try $0.decode(0, as: String.self) } == ["first", "it's second"])
        }
    }

    @Test("a migration that fails leaves nothing behind")
    func failure() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let broken = Migration(
                version: 2, name: "broken", sql: "ALTER TABLE {listings} ADD y int; SELECT nonsense;")
            await #expect(throws: PostgresError.self) { try await migrator(databases, [first, broken]).migrate() }
            #expect(try await migrator(databases, [first, second]).pending().map(\.count) == [1, 0])
            let columns = try await databases.client(of: .market).query(
                PostgresStatement("SELECT 1 FROM information_schema.columns WHERE table_name = 'listings'"))
            #expect(columns.count == 1)
            try await migrator(databases, [first, second]).migrate()
        }
    }

    @Test("an edited migration is refused")
    func edited() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            try await migrator(databases, [first]).migrate()
            let edited = Migration(version: 1, name: "first", sql: first.sql + " ")
            try await expectRefusal("listings/1 was edited") { try await migrator(databases, [edited]).migrate() }
            try await expectRefusal("listings/1 was edited") {
                try await migrator(databases, [edited]).requireMigrated()
            }
        }
    }

    @Test("a database that is ahead is not migrated, but will do")
    func ahead() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            try await migrator(databases, [first, second]).migrate()
            try await expectRefusal("is at migration 2, this build knows 1") {
                try await migrator(databases, [first]).migrate()
            }
            try await migrator(databases, [first]).requireMigrated()
        }
    }

    @Test("a gap in the history is refused")
    func gap() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            try await migrator(databases, [first, second]).migrate()
            try await databases.client(of: .market).execute(
                script: "DELETE FROM listings.listings_migrations WHERE version = 1")
            try await expectRefusal("lacks migration 1 but has 2") {
                try await migrator(databases, [first, second]).migrate()
            }
        }
    }

    @Test("a migration that names another service's table is refused")
    func otherService() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let strange = Migration(version: 1, name: "strange", sql: "ALTER TABLE {strangers} ADD x int")
            try await expectRefusal("migration listings/1 names table strangers, which is another service's") {
                try await migrator(databases, [strange]).migrate()
            }
        }
    }

    @Test("what an older build applied under its database's history is taken over, and the rest applied")
    func formers() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            try await databases.client(of: .market).execute(
                script: """
                    CREATE TABLE public.quartet_migrations (database text, version int);
                    INSERT INTO public.quartet_migrations VALUES ('market', 1), ('source', 2);
                    CREATE SCHEMA listings;
                    CREATE TABLE listings.listings (id int);
                    """)
            let adopted = Migration(1, "first", Array(first.sql.utf8), formers: [("market", 1)])
            let later = Migration(2, "second", Array(second.sql.utf8), formers: [("market", 2)])
            #expect(try await migrator(databases, [adopted, later]).migrate().map(\.applied) == [1, 0])
            #expect(try await migrator(databases, [adopted, later]).migrate().map(\.applied) == [0, 0])
        }
    }

    private func migrator(_ databases: Databases, _ migrations: [Migration]) throws -> Migrator {
        let listings = ServiceSchema("listings", in: .market, tables: [Table("listings")], migrations: migrations)
        let strangers = ServiceSchema("strangers", in: .market, tables: [Table("strangers")], migrations: [])
        let tables = TableMap(services: [listings, strangers])
        let client = try databases.client(of: .market)
        return Migrator(
            databases: Databases(tables: tables, clients: [.market: client]), outbox: [],
            logger: PostgresTestDatabase.logger)
    }

    private func expectRefusal(_ part: String, _ body: () async throws -> Void) async throws {
        let error = await #expect(throws: PostgresStoreError.self) { try await body() }
        #expect(try #require(error).description.contains(part))
    }
}
