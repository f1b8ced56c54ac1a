import ClientSupport
package import Foundation
package import Logging

/// A private PostgreSQL. Without secrets its superuser `quartet` needs no password: whoever can connect to 127.0.0.1 may do
/// anything in it, which is right for a developer's own data only.
package final class PostgresServer: HostedServer {
    let host: ServerHost
    private let security: PostgresSecurity?

    /// - Parameters:
    ///   - databases: made at start where they are missing.
    ///   - settings: each `name=value`; they come before what is set otherwise.
    ///   - programs: the folder of the server's programs, where it is not the one that is installed.
    package init(
        directory: URL, options: StackOptions = .durable, databases: [String] = [], settings: [String] = [],
        programs: String? = nil, secrets: StackSecrets? = nil, logger: Logger? = nil,
        onUnexpectedExit: (@Sendable (ServerExit) -> Void)? = nil
    ) {
        security = secrets.map(PostgresSecurity.init)
        let recipe = PostgresRecipe(
            isDurable: options.durability == .durable, databases: databases, settings: settings,
            givenPrograms: programs,
            security: security)
        host = ServerHost(
            recipe, root: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
    }

    /// A standby that follows `primary` by streaming, which does not wait for it, and serves reads. The primary runs while it
    /// is started for the first time.
    package init(
        directory: URL, standbyOf primary: PostgresServer, options: StackOptions = .durable, logger: Logger? = nil,
        onUnexpectedExit: (@Sendable (ServerExit) -> Void)? = nil
    ) {
        security = nil
        let recipe = PostgresRecipe(
            isDurable: options.durability == .durable, databases: [], primaryPort: { primary.port })
        host = ServerHost(
            recipe, root: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
    }

    package var url: String { url(database: "postgres") }

    package func url(database: String) -> String {
        security?.url(port: port, database: database)
            ?? "postgresql://\(PostgresRecipe.user)@127.0.0.1:\(port)/\(database)"
    }

    /// For whoever may do anything in it.
    package func adminURL(database: String = "postgres") -> String {
        security?.url(port: port, database: database, as: .admin) ?? url(database: database)
    }

    /// Makes a database that is Quartet's, unless it is there.
    package func makeDatabase(_ name: String) async throws {
        if let security { return try await security.makeDatabase(name, port: port) }
        try PostgresRecipe.make([name], port: port, timeoutSeconds: 60)
    }
}

struct PostgresRecipe: ServerRecipe {
    static let user = "quartet"

    let isDurable: Bool
    let databases: [String]
    var settings: [String] = []
    var givenPrograms: String?
    /// Of the server that this one is a standby of.
    var primaryPort: (@Sendable () -> UInt16)?
    var security: PostgresSecurity?
    let name = "postgres"
    /// Fast shutdown: sessions are ended, nothing is lost. SIGTERM would wait for clients to leave.
    let stopSignal = SIGINT
    var orphanSignal: String { isDurable ? "INT" : "QUIT" }

    private func programs() throws -> String { try givenPrograms ?? ServerProgram.postgresFolder() }

    func prepare(_ folder: ServerFolder) async throws {
        let cluster = PostgresCluster(programs: try programs(), account: try .forPostgres())
        try await cluster.make(in: folder, isDurable: isDurable, from: primaryPort?())
        try await security?.prepare(folder, programs: cluster.programs, account: cluster.account)
    }

    func command(_ folder: ServerFolder, port: UInt16) throws -> [String] {
        // No Unix socket: its path may be at most 107 bytes long, which a data folder's easily exceeds.
        let usual = [
            "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=", "max_connections=200",
            "shared_buffers=128MB", "timezone=UTC", "log_timezone=UTC", "logging_collector=off",
            "fsync=\(isDurable ? "on" : "off")", "full_page_writes=\(isDurable ? "on" : "off")",
        ]
        let program = try programs() + "/postgres"
        let arguments =
            ["-D", folder.data.path] + (usual + (security?.settings(folder) ?? []) + settings).flatMap { ["-c", $0] }
        return try ServerAccount.forPostgres().command([program] + arguments)
    }

    func isServing(port: UInt16) -> Bool {
        do throws(StackError) {
            _ = try ClusterSession.open(port: port, user: Self.user, database: "postgres")
            return true
        } catch {
            // Turned away for coming without TLS, as only one that serves does.
            return security != nil && error.message.contains("pg_hba.conf")
        }
    }

    func complete(port: UInt16, deadline: Deadline) async throws {
        if let security { return try await security.complete(port: port, databases: databases) }
        try Self.make(databases, port: port, timeoutSeconds: max(1, Int(deadline.remaining.components.seconds)))
    }

    static func make(_ databases: [String], port: UInt16, timeoutSeconds: Int) throws {
        guard !databases.isEmpty else { return }
        let session = try ClusterSession.open(
            port: port, user: Self.user, database: "postgres", timeoutSeconds: timeoutSeconds)
        let existing = Set(try session.firstColumn(of: "SELECT datname FROM pg_database"))
        for database in databases where !existing.contains(database) {
            let quoted = database.replacingOccurrences(of: "\"", with: "\"\"")
            _ = try session.firstColumn(of: "CREATE DATABASE \"\(quoted)\"")
        }
    }

    func reason(in log: [String]) -> String? {
        log.last { $0.contains("FATAL:") && !$0.contains("pg_hba.conf entry") || $0.contains("PANIC:") } ?? log.last
    }
}
