import ClientSupport
import Foundation
import Logging
import Postgres

/// PostgreSQL over TLS alone, with passwords: the superuser is the stack's, and `quartet_app`, who owns the databases and may
/// act as the services, is Quartet's.
struct PostgresSecurity: Sendable {
    static let user = "quartet_app"

    let secrets: StackSecrets

    func url(port: UInt16, database: String, as user: SecureUser = .quartet) -> String {
        let name = user == .admin ? PostgresRecipe.user : Self.user
        return "postgresql://\(name):\(secrets.password("postgres", of: user))@127.0.0.1:\(port)/\(database)"
            + "?sslmode=verify-full&sslrootcert=\(secrets.authorityInURL)"
    }

    /// Gives the server its certificate and the superuser a password, before anybody can reach it.
    func prepare(_ folder: ServerFolder, programs: String, account: ServerAccount) async throws {
        let files = tlsFolder(folder)
        if !FileManager.default.fileExists(atPath: files.path) { try account.makePrivateFolder(files) }
        for (source, name) in [(secrets.certificateFile, "server.pem"), (secrets.keyFile, "server.key")] {
            try give(
                try Data(contentsOf: URL(fileURLWithPath: source)), to: files.appendingPathComponent(name), account)
        }
        try give(Data(Self.access.utf8), to: files.appendingPathComponent("pg_hba.conf"), account)

        let marker = folder.data.appendingPathComponent("quartet_password_is_set")
        guard !FileManager.default.fileExists(atPath: marker.path) else { return }
        let statement = "ALTER ROLE \(PostgresRecipe.user) PASSWORD '\(secrets.password("postgres", of: .admin))'\n"
        let file = try secrets.write(statement, to: "postgres.sql")
        defer { try? FileManager.default.removeItem(atPath: file) }
        let alone = account.command(["\(programs)/postgres", "--single", "-D", folder.data.path, "postgres"])
        let command = ["/bin/sh", "-c", "exec <\"$1\"; shift; exec \"$@\"", "sh", file] + alone
        guard try await ServerCommand.run(command, log: folder.log) else {
            throw StackError(
                code: .startFailed, message: "the superuser's password could not be set; see \(folder.log.path)")
        }
        try give(Data(), to: marker, account)
    }

    func settings(_ folder: ServerFolder) -> [String] {
        let files = tlsFolder(folder).path
        return [
            "ssl=on", "ssl_cert_file=\(files)/server.pem", "ssl_key_file=\(files)/server.key",
            "ssl_min_protocol_version=TLSv1.2", "password_encryption=scram-sha-256", "hba_file=\(files)/pg_hba.conf",
        ]
    }

    /// Makes the roles, and databases where they are missing.
    func complete(port: UInt16, databases: [String]) async throws {
        try await administer(port: port) { client in
            let password = secrets.password("postgres", of: .quartet)
            try await client.execute(
                script: Self.makeRole(Self.user, "LOGIN")
                    + "ALTER ROLE \(Self.user) LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD '\(password)';")
            for service in secrets.security.services {
                let role = StackSecurity.role(of: service)
                try await client.execute(
                    script: Self.makeRole(role, "NOLOGIN") + "GRANT \(role) TO \(Self.user);")
            }
            try await client.execute(script: "REVOKE ALL ON DATABASE postgres FROM PUBLIC")
            for database in databases { try await make(database, client) }
        }
    }

    func makeDatabase(_ name: String, port: UInt16) async throws {
        try await administer(port: port) { try await make(name, $0) }
    }

    private func make(_ name: String, _ client: PostgresClient) async throws {
        let exists = try await client.query(
            PostgresStatement("SELECT count(*) FROM pg_database WHERE datname = $1", name)
        ).single().decode(0, as: Int.self)
        guard exists == 0 else { return }
        let quoted = "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
        try await client.execute(script: "CREATE DATABASE \(quoted) OWNER \(Self.user)")
        try await client.execute(script: "REVOKE ALL ON DATABASE \(quoted) FROM PUBLIC")
        // Imports put rows into a temporary table first.
        for service in secrets.security.services {
            let role = StackSecurity.role(of: service)
            try await client.execute(script: "GRANT TEMPORARY ON DATABASE \(quoted) TO \(role)")
        }
    }

    private func administer(port: UInt16, _ body: (PostgresClient) async throws -> Void) async throws {
        let silence = Logger(label: "postgres") { _ in SwiftLogNoOpLogHandler() }
        do {
            let configuration = try PostgresConfiguration(url: url(port: port, database: "postgres", as: .admin))
            let client = PostgresClient(configuration, logger: silence)
            do {
                try await body(client)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        } catch let error as PostgresError {
            throw StackError(code: .startFailed, message: "postgres could not be set up: \(error)")
        }
    }

    /// From this machine, over TLS, with a password.
    private static let access = """
        hostssl all,replication all 127.0.0.1/32 scram-sha-256

        """

    private static func makeRole(_ name: String, _ traits: String) -> String {
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(name)') THEN CREATE ROLE \(name) \(traits); END IF;
        END $$;

        """
    }

    private func tlsFolder(_ folder: ServerFolder) -> URL { folder.home.appendingPathComponent("tls") }

    /// The server refuses a key that others may read, or that is not its own.
    private func give(_ content: Data, to file: URL, _ account: ServerAccount) throws {
        let isWritten = FileManager.default.createFile(
            atPath: file.path, contents: content, attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw StackError(code: .cannotUseDirectory, message: "can't write \(file.path)") }
        guard case .other(_, let user, let group) = account else { return }
        guard chown(file.path, user, group) == 0 else {
            throw StackError.system(.cannotUseDirectory, "can't give \(file.path) away")
        }
    }
}
