import Catalog
import Foundation
import Logging
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetTesting
import Testing

@testable import QuartetStores

/// A database with every table, in which all three named databases live.
enum PostgresTestDatabase {
    private static let template = Task {
        let name = try await create()
        let databases = try await open(name)
        try await Migrator(databases: databases, logger: logger).migrate()
        await databases.close()
        return name
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` with a migrated database that nobody else uses.
    static func withMigrated(_ body: (Databases) async throws -> Void) async throws {
        try await with(create(template: template.value), body)
    }

    /// Runs `body` with an empty database that nobody else uses.
    static func withEmpty(_ body: (Databases) async throws -> Void) async throws {
        try await with(create(), body)
    }

    /// The three stores on `databases`.
    static func fixture(_ databases: Databases) throws -> RequestStoreFixture {
        let client = try databases.client(of: .dropship)
        return RequestStoreFixture(
            requests: try PostgresRequestStore(databases: databases),
            products: try PostgresProductStore(databases: databases),
            outbox: try PostgresOutboxStore(databases: databases),
            shardCount: 8
        ) { count, body in
            try await client.transaction { session in
                let emit = """
                    SELECT events.emit('catalog.product.updated', array_agg('held'::text), array_agg(n), array_agg('{"name":"H"}'::json))
                    FROM generate_series(1::bigint, $1) n
                    """
                _ = try await session.query(PostgresStatement(emit, Int64(count)))
                try await body()
            }
        }
    }

    private static func with(_ name: String, _ body: (Databases) async throws -> Void) async throws {
        let databases = try await open(name)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(databases))
        } catch {
            outcome = .failure(error)
        }
        await databases.close()
        try await administer("DROP DATABASE \(name) WITH (FORCE)")
        try outcome.get()
    }

    private static func open(_ name: String) async throws -> Databases {
        let url = try await PostgresTestServer.url(database: name)
        let client = PostgresClient(try Databases.configuration(url: url), logger: logger)
        return Databases(clients: Dictionary(uniqueKeysWithValues: DatabaseName.usual.map { ($0, client) }))
    }

    private static func create(template: String = "template0") async throws -> String {
        let name = PostgresTestServer.uniqueName("stores")
        try await administer("CREATE DATABASE \(name) TEMPLATE \(template)")
        return name
    }

    private static func administer(_ script: String) async throws {
        let url = try await PostgresTestServer.url(database: "postgres")
        let client = PostgresClient(try PostgresConfiguration(url: url), logger: logger)
        do {
            try await client.execute(script: script)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}
