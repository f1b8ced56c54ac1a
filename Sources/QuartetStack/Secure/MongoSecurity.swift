import ClientSupport
import Logging
import Mongo

/// MongoDB over TLS alone, with a user for each database that may read and write it and do nothing else.
struct MongoSecurity: Sendable {
    let secrets: StackSecrets

    func url(port: UInt16, database: String, as user: SecureUser = .quartet) -> String {
        let source = user == .admin ? "&authSource=admin" : ""
        return
            "mongodb://\(credentials(user))127.0.0.1:\(port)/\(database)?replicaSet=\(MongoReplicaSet.name)\(tls)\(source)"
    }

    /// Of the member alone; nobody comes without a name.
    func directURL(port: UInt16, as user: SecureUser?) -> String {
        "mongodb://\(user.map(credentials) ?? "")127.0.0.1:\(port)/admin?directConnection=true\(tls)"
    }

    private func credentials(_ user: SecureUser) -> String {
        "\(user):\(secrets.password("mongod", of: user))@"
    }

    private var tls: String { "&tls=true&tlsCAFile=\(secrets.authorityInURL)" }

    func arguments() throws -> [String] {
        [
            "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", secrets.chainFile, "--tlsCAFile",
            secrets.authorityFile, "--tlsAllowConnectionsWithoutCertificates", "--keyFile",
            try secrets.write(secrets.mongoKey, to: "mongod.key"),
        ]
    }

    /// Makes its first user, which the server allows from its own machine and only once.
    func makeAdmin(_ client: MongoClient) async throws {
        _ = try await client.runCommand(
            [
                "createUser": .string("\(SecureUser.admin)"), "pwd": .string(secrets.password("mongod", of: .admin)),
                "roles": ["root"],
            ], database: "admin")
    }

    /// Makes the user of a database, unless there is one.
    func makeUser(of database: String, port: UInt16) async throws {
        do {
            try await withClient(url(port: port, database: "admin", as: .admin)) { client in
                _ = try await client.runCommand(
                    [
                        "createUser": .string("\(SecureUser.quartet)"),
                        "pwd": .string(secrets.password("mongod", of: .quartet)),
                        "roles": [["role": "readWrite", "db": .string(database)]],
                    ], database: database)
            }
        } catch let error as MongoError where error.serverCode == Self.userExists {
        } catch let error as MongoError {
            throw StackError(code: .startFailed, message: "mongod could not be set up: \(error)")
        }
    }

    private static let userExists = 51_003

    private func withClient(_ url: String, _ body: (MongoClient) async throws -> Void) async throws {
        let silence = Logger(label: "mongod") { _ in SwiftLogNoOpLogHandler() }
        let client = try MongoClient(try MongoConfiguration(url: url), logger: silence)
        do {
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}
