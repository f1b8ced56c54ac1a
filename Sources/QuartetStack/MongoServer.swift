import ClientSupport
package import Foundation
package import Logging

/// A private MongoDB: a replica set of one, `rs0`, so that it has transactions and change streams.
package final class MongoServer: HostedServer {
    let host: ServerHost
    private let security: MongoSecurity?

    /// - Parameter arguments: go to mongod after the usual ones.
    package init(
        directory: URL, options: StackOptions = .durable, arguments: [String] = [],
        secrets: StackSecrets? = nil, logger: Logger? = nil, onUnexpectedExit: (@Sendable (ServerExit) -> Void)? = nil
    ) {
        security = secrets.map(MongoSecurity.init)
        let recipe = MongoRecipe(
            isDurable: options.durability == .durable, arguments: arguments, security: security)
        host = ServerHost(
            recipe, root: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
    }

    package static let database = "quartet"
    package var url: String { url(database: Self.database) }

    package func url(database: String) -> String {
        security?.url(port: port, database: database)
            ?? "mongodb://127.0.0.1:\(port)/\(database)?replicaSet=\(MongoReplicaSet.name)"
    }

    /// For whoever may do anything in it.
    package func adminURL(database: String) -> String {
        security?.url(port: port, database: database, as: .admin) ?? url(database: database)
    }

    /// Lets Quartet into a database, which is made with its first document.
    package func makeDatabase(_ name: String) async throws {
        try await security?.makeUser(of: name, port: port)
    }
}

private struct MongoRecipe: ServerRecipe {
    let isDurable: Bool
    let arguments: [String]
    let security: MongoSecurity?
    let name = "mongod"
    let stopSignal = SIGTERM
    var orphanSignal: String { isDurable ? "TERM" : "KILL" }

    func prepare(_ folder: ServerFolder) throws {
        try folder.createData()
    }

    func command(_ folder: ServerFolder, port: UInt16) throws -> [String] {
        try [
            ServerProgram.mongod(), "--dbpath", folder.data.path, "--port", "\(port)",
            "--nounixsocket", "--replSet", MongoReplicaSet.name, "--wiredTigerCacheSizeGB", "0.25", "--oplogSize",
            "100", "--setParameter", "diagnosticDataCollectionEnabled=false",
        ] + (arguments.contains("--bind_ip") ? [] : ["--bind_ip", "127.0.0.1"])
            + (security?.arguments() ?? []) + (isDurable ? [] : Self.forTests) + arguments
    }

    /// A journal takes 300 MB from its first write on; those who are thrown away need not. Tests may have commands fail.
    private static let forTests = [
        "--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)",
        "--setParameter", "enableTestCommands=1",
    ]

    /// A client that asks before the port is open looks again only after five seconds.
    func isServing(port: UInt16) -> Bool {
        LoopbackConnection(port: port) != nil
    }

    func complete(port: UInt16, deadline: Deadline) async throws {
        let set = MongoReplicaSet(port: port, isDurable: isDurable, security: security)
        try await set.makePrimary(deadline: deadline)
        try await security?.makeUser(of: MongoServer.database, port: port)
    }

    /// Its log is one JSON document a line; the last lines tell of the shutdown, the last error tells why.
    func reason(in log: [String]) -> String? {
        let entries = log.compactMap { try? JSONDecoder().decode(LogEntry.self, from: Data($0.utf8)) }
        guard let entry = entries.last(where: { $0.severity == "E" || $0.severity == "F" }) else { return log.last }
        return [entry.message, entry.attributes?.error?.text].compactMap { $0 }.joined(separator: ": ")
    }

    private struct LogEntry: Decodable {
        let severity: String
        let message: String
        let attributes: Attributes?

        enum CodingKeys: String, CodingKey {
            case severity = "s"
            case message = "msg"
            case attributes = "attr"
        }

        struct Attributes: Decodable { let error: Failure? }

        /// A text, or a document that carries one.
        struct Failure: Decodable {
            let text: String

            init(from decoder: any Decoder) throws {
                if let text = try? decoder.singleValueContainer().decode(String.self) {
                    self.text = text
                } else {
                    text = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .errmsg)
                }
            }

            enum Keys: CodingKey { case errmsg }
        }
    }
}
