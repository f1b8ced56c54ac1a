package import Foundation

/// A private PgBouncer in front of a private PostgreSQL. Whoever connects is the server's superuser.
package final class PgBouncer: HostedServer {
    package enum Mode: String, Sendable, CaseIterable {
        case session, transaction
    }

    let host: ServerHost

    /// - Parameter settings: each `name = value`; they come after what is set otherwise.
    package init(
        directory: URL, before server: PostgresServer, mode: Mode, settings: [String] = [],
        options: StackOptions = .fast
    ) {
        host = ServerHost(
            PgBouncerRecipe(mode: mode, settings: settings, serverPort: { server.port }), root: directory,
            options: options, logger: nil, onUnexpectedExit: nil)
    }

    package var url: String { url(database: "postgres") }

    package func url(database: String) -> String {
        "postgresql://\(PostgresRecipe.user)@127.0.0.1:\(port)/\(database)"
    }

    /// Whether the program is installed.
    package static var isPresent: Bool { (try? PgBouncerRecipe.program()) != nil }
}

private struct PgBouncerRecipe: ServerRecipe {
    let mode: PgBouncer.Mode
    let settings: [String]
    let serverPort: @Sendable () -> UInt16
    let name = "pgbouncer"
    let stopSignal = SIGTERM
    let orphanSignal = "KILL"

    static func program() throws -> String {
        try ServerProgram.find("pgbouncer", also: ["/usr/sbin"], install: "apt-get install pgbouncer")
    }

    func prepare(_ folder: ServerFolder) {}

    /// What would be the data folder is the configuration: it has nothing else.
    func command(_ folder: ServerFolder, port: UInt16) throws -> [String] {
        let lines =
            [
                "[databases]", "* = host=127.0.0.1 port=\(serverPort()) user=\(PostgresRecipe.user)", "[pgbouncer]",
                "listen_addr = 127.0.0.1", "listen_port = \(port)", "unix_socket_dir =", "auth_type = any",
                "pool_mode = \(mode.rawValue)", "default_pool_size = 60", "max_client_conn = 500",
            ] + settings
        do {
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: folder.data)
        } catch {
            throw StackError(
                code: .cannotUseDirectory, message: "can't write \(folder.data.path): \(error.localizedDescription)")
        }
        return try ServerAccount.forPostgres().command([Self.program(), folder.data.path])
    }

    func isServing(port: UInt16) -> Bool { LoopbackConnection(port: port) != nil }
}
