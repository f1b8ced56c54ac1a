import ClientSupport
import Foundation
import Logging
import Testing

@testable import Mongo
@testable import QuartetStack

/// A private mongod, the only member of its replica set, which a test may kill and launch again.
final class TestServer: Sendable {
    private static let root = Result { try TemporaryFolder.make() }

    /// The server that tests share; they keep apart by their collections.
    static let shared = SharedServer()

    private let server: MongoServer

    private init(_ server: MongoServer) {
        self.server = server
    }

    /// - Parameter user: is wanted of clients, as "name:password", and may do anything.
    static func start(user: String? = nil) async throws -> TestServer {
        let folder = try root.get().appending(path: UUID().uuidString)
        let open = MongoServer(directory: folder, options: .fast)
        try await open.start()
        guard let user else { return TestServer(open) }
        try await TestServer(open).add(user)
        await open.stop()
        // Members of a replica set know each other by a secret.
        let key = folder.appending(path: "key").path
        let isMade = FileManager.default.createFile(
            atPath: key, contents: Data("0123456789abcdef".utf8), attributes: [.posixPermissions: 0o600])
        try #require(isMade)
        let server = MongoServer(directory: folder, options: .fast, arguments: ["--auth", "--keyFile", key])
        try await server.start()
        return TestServer(server)
    }

    var port: UInt16 { server.port }
    var url: String { server.url }

    /// On the same port and data. Returns when it takes writes.
    func launch() async throws { try await server.start() }

    /// SIGKILL: no goodbye to its clients.
    func kill() async { await server.kill() }

    /// Returns once each of its threads stands still.
    func suspend() async { await server.suspend() }
    func resume() async { await server.resume() }

    func client(_ change: (inout MongoConfiguration) -> Void = { _ in }) throws -> MongoClient {
        var configuration = try MongoConfiguration(url: url)
        change(&configuration)
        return try MongoClient(configuration, logger: Logger(label: "mongo.tests"))
    }

    private func add(_ user: String) async throws {
        let parts = user.split(separator: ":").map { BSONValue.string(String($0)) }
        let client = try client()
        try await client.runCommand(["createUser": parts[0], "pwd": parts[1], "roles": ["root"]], database: "admin")
        await client.close()
    }
}

/// Started by the first test that asks.
actor SharedServer {
    private var starting: Task<(TestServer, MongoClient), any Error>?

    private func started() async throws -> (TestServer, MongoClient) {
        let task =
            starting
            ?? Task {
                let server = try await TestServer.start()
                return (server, try server.client())
            }
        starting = task
        return try await task.value
    }

    var server: TestServer {
        get async throws { try await started().0 }
    }

    var client: MongoClient {
        get async throws { try await started().1 }
    }

    /// Cursors that are open on a collection and not in use now.
    func idleCursors(on things: MongoCollection) async throws -> Int {
        try await client.idleCursors(on: things)
    }

    /// An empty collection of its own.
    func collection(_ name: String = #function) async throws -> MongoCollection {
        let plain = name.filter { $0.isLetter || $0.isNumber }
        return try await client.collection("\(plain)_\(UUID().uuidString.prefix(8))", writeConcern: .one)
    }
}

extension MongoClient {
    /// Cursors that are open on a collection, by whatever client, and not in use now.
    func idleCursors(on things: MongoCollection) async throws -> Int {
        let reply = try await runCommand(
            [
                "aggregate": 1, "cursor": [:],
                "pipeline": [
                    ["$currentOp": ["allUsers": true, "idleCursors": true]],
                    ["$match": ["type": "idleCursor", "ns": .string("\(things.database).\(things.name)")]],
                ],
            ], database: "admin")
        return try reply.decode("cursor", as: BSONDocument.self).decode("firstBatch", as: BSONArray.self)
            .count { _ in true }
    }
}
