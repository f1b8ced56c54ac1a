import QuartetStack
import QuartetTesting

/// A server of these tests' own: transactions that other tests hold open would hold their outboxes up.
enum PostgresTestServer {
    private static let server = Task { try await TestStack.privatePostgres() }

    static func url(database: String) async throws -> String { try await server.value.url(database: database) }

    static func uniqueName(_ prefix: String) -> String { TestStack.uniqueName(prefix) }
}
