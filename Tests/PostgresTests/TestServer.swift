import ClientSupport
import Foundation
import Postgres

@testable import QuartetStack

/// A private PostgreSQL that wants a password, over TCP and over its socket, and that a test may kill and start again.
final class TestServer: Sendable {
    private static let root = Result { try TemporaryFolder.make() }
    private static let starting = Task { try await started() }

    let server: PostgresServer
    let folder: URL
    private let socketFolder: String

    /// The server that tests share who do it no harm.
    static var shared: TestServer {
        get async throws { try await starting.value }
    }

    /// A server for `body` alone.
    static func withOwn(_ body: (TestServer) async throws -> Void) async throws {
        let server = try await started()
        do {
            try await body(server)
        } catch {
            await server.kill()
            throw error
        }
        await server.kill()
    }

    private static func started() async throws -> TestServer {
        let server = try TestServer()
        try await server.start()
        let owner = PostgresClient(try PostgresConfiguration(url: server.server.url), logger: quiet)
        try await owner.execute(script: "CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'right'")
        await owner.close()
        return server
    }

    private init() throws {
        // Short: the socket's path may be at most 107 bytes long.
        folder = try Self.root.get().appending(path: "\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        socketFolder = folder.appending(path: "postgres/data").path
        let rules = folder.appending(path: "hba.conf")
        let text = """
            host all quartet 127.0.0.1/32 trust
            host all all 127.0.0.1/32 scram-sha-256
            local all all scram-sha-256

            """
        try Data(text.utf8).write(to: rules)
        let settings = [
            "hba_file=\(rules.path)", "unix_socket_directories=\(socketFolder)", "max_connections=300",
        ]
        server = PostgresServer(directory: folder, options: .fast, settings: settings)
    }

    func url(user: String = "postgres", password: String = "right") -> String {
        "postgresql://\(user):\(password)@127.0.0.1:\(server.port)/postgres"
    }

    var socketURL: String { "postgresql://postgres:right@/postgres?host=\(socketFolder)&port=\(server.port)" }

    /// Returns when the server takes connections.
    func start() async throws { try await server.start() }

    /// As a crash: no goodbye to anyone.
    func kill() async { await server.kill() }

    /// As an administrator's fast shutdown.
    func shutDown() async { await server.stop() }
}
