import ClientSupport
import Foundation
import Logging
import Mongo
import Testing

@testable import QuartetStack

/// How the tests look at servers from outside.
enum Probe {
    /// A folder of the test's own, which goes with the test process.
    static func makeFolder(_ name: String) throws -> URL {
        let root = try root.get()
        let folder = root.appendingPathComponent("\(name)-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        return folder
    }

    private static let root = Result { try TemporaryFolder.make() }

    /// Runs a statement and returns the first column of its rows.
    static func sql(_ statement: String, on server: PostgresServer, database: String = "postgres") throws -> [String] {
        let session = try ClusterSession.open(
            port: server.port, user: "quartet", database: database, timeoutSeconds: 10)
        return try session.firstColumn(of: statement)
    }

    /// Sends one inline command and returns as many bytes as `reply` has.
    static func redis(_ command: String, on server: RedisServer, replyCount: Int) throws -> String {
        let connection = try #require(Connection(port: server.port))
        let reply = try #require(connection.ask("\(command)\r\n", count: replyCount))
        return String(decoding: reply, as: UTF8.self)
    }

    static func isPrimary(_ server: MongoServer) async throws -> Bool {
        let url = "mongodb://127.0.0.1:\(server.port)/admin?directConnection=true"
        let client = try MongoClient(MongoConfiguration(url: url), logger: Logger(label: "test"))
        let isPrimary = try await client.runCommand(["hello": 1])["isWritablePrimary"]?.asBool
        await client.close()
        return isPrimary == true
    }

    /// The pid that a server wrote down, for tests that end it behind its owner's back.
    static func pid(of name: String, in folder: URL) throws -> pid_t {
        try #require(ServerFolder(root: folder, name: name).rememberedProcess)
    }

    /// Opens a session and closes it.
    static func askForSession(port: UInt16) throws {
        _ = try ClusterSession.open(port: port, user: "quartet", database: "postgres")
    }

    /// Waits for what other processes do, of which nobody tells.
    static func eventually(
        within timeout: Duration = .seconds(60), _ condition: () throws -> Bool
    ) async rethrows -> Bool {
        let deadline = Deadline.after(timeout)
        while !deadline.isPast {
            if try condition() { return true }
            try? await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
        }
        return try condition()
    }

    /// A connection that `#require` can unwrap.
    private final class Connection {
        private let connection: LoopbackConnection

        init?(port: UInt16) {
            guard let connection = LoopbackConnection(port: port, timeoutSeconds: 2) else { return nil }
            self.connection = connection
        }

        func ask(_ text: String, count: Int) -> [UInt8]? {
            connection.send(Array(text.utf8)) ? connection.receive(count) : nil
        }
    }
}
