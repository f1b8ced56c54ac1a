import Postgres
import QuartetStack
import QuartetTesting

/// A server of these tests' own: transactions that other tests hold open would hold their outboxes up.
enum PostgresTestServer {
    private static let server = Task {
        let server = try await TestStack.privatePostgres()
        let client = PostgresClient(try PostgresConfiguration(url: server.url), logger: PostgresTestDatabase.logger)
        _ = try await client.query(PostgresStatement("ALTER SYSTEM SET max_prepared_transactions = 8"))
        await client.close()
        try await server.restart()
        return server
    }

    static func url(database: String) async throws -> String { try await server.value.url(database: database) }

    static func uniqueName(_ prefix: String) -> String { TestStack.uniqueName(prefix) }
}
