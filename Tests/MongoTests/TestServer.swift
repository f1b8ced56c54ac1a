import ClientSupport
import Foundation
import Logging
import Synchronization
import Testing

@testable import Mongo

/// A private mongod, the only member of its replica set, which goes with the test process.
///
/// A shell beside it kills it when the pipe to this process closes, however that comes about.
final class TestServer: Sendable {
    let port: UInt16
    private let folder: URL
    private let running = Mutex<Running?>(nil)

    private struct Running {
        let server: Process
        let pipe: Pipe
        /// Ends when the server has.
        let exit: AsyncStream<Void>
    }

    /// The server that tests share; they keep apart by their collections.
    static let shared = SharedServer()

    private let arguments: [String]

    private init(port: UInt16, folder: URL, arguments: [String]) {
        self.port = port
        self.folder = folder
        self.arguments = arguments
    }

    /// What was killed leaves its folder behind, for another launch.
    deinit {
        if running.withLock({ $0 == nil }) { try? FileManager.default.removeItem(at: folder) }
    }

    /// - Parameter user: is wanted of clients, as "name:password", and may do anything.
    static func start(user: String? = nil) async throws -> TestServer {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mongo-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var arguments: [String] = []
        if user != nil {
            // Members of a replica set know each other by a secret.
            let key = folder.appendingPathComponent("key").path
            let isMade = FileManager.default.createFile(
                atPath: key, contents: Data("0123456789abcdef".utf8), attributes: [.posixPermissions: 0o600])
            try #require(isMade)
            arguments = ["--auth", "--keyFile", key]
        }
        let server = TestServer(port: try freePort(), folder: folder, arguments: arguments)
        try server.launch()
        try await server.makePrimary(user)
        return server
    }

    /// On the same port and data. Returns when it takes writes.
    func launch() throws {
        let server = Process()
        let pipe = Pipe()
        server.executableURL = URL(fileURLWithPath: "/bin/sh")
        server.arguments =
            [
                "-c",
                """
                exec 3<&0
                { read word; [ "$word" = keep ] || { kill -9 $$; until rm -rf "$FOLDER"; do :; done; }; } <&3 3<&- >/dev/null 2>&1 &
                exec "$@" 3<&-
                """, "sh", try Self.program(), "--dbpath", folder.path, "--logpath", folder.path + "/log", "--port",
                "\(port)", "--bind_ip", "127.0.0.1",
                "--nounixsocket", "--replSet", "rs0", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "100",
                "--setParameter", "diagnosticDataCollectionEnabled=false", "--setParameter", "enableTestCommands=1",
                "--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)",
            ] + arguments
        server.environment = ["FOLDER": folder.path, "PATH": "/usr/bin:/bin"]
        server.standardOutput = FileHandle.nullDevice
        server.standardError = FileHandle.nullDevice
        server.standardInput = pipe
        let (exit, signal) = AsyncStream.makeStream(of: Void.self)
        server.terminationHandler = { _ in signal.finish() }
        try server.run()
        let started = Running(server: server, pipe: pipe, exit: exit)
        running.withLock { $0 = started }
    }

    /// SIGKILL: no goodbye to its clients.
    func kill() async throws {
        guard let running = running.withLock({ $0.take() }) else { return }
        try running.pipe.fileHandleForWriting.write(contentsOf: Data("keep\n".utf8))
        Foundation.kill(running.server.processIdentifier, SIGKILL)
        for await _ in running.exit {}
    }

    /// Returns once each of its threads stands still: the signal stops them one after the other.
    func suspend() throws {
        signal(SIGSTOP)
        let pid = try #require(running.withLock { $0?.server.processIdentifier })
        let deadline = Deadline.after(.seconds(20))
        while try !standsStill(pid) {
            try #require(!deadline.isPast, "mongod does not stand still")
            sched_yield()
        }
    }

    private func standsStill(_ pid: pid_t) throws -> Bool {
        let threads = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: threads).allSatisfy { thread in
            // One that has ended meanwhile stands still too. The name before the state may hold parentheses.
            guard let status = try? String(contentsOfFile: "\(threads)/\(thread)/stat", encoding: .utf8),
                let nameEnd = status.lastIndex(of: ")")
            else { return true }
            return status[status.index(after: nameEnd)...].hasPrefix(" T")
        }
    }

    func resume() { signal(SIGCONT) }

    var url: String { "mongodb://127.0.0.1:\(port)/quartet?replicaSet=rs0" }

    func client(_ change: (inout MongoConfiguration) -> Void = { _ in }) throws -> MongoClient {
        var configuration = try MongoConfiguration(url: url)
        change(&configuration)
        return try MongoClient(configuration, logger: Logger(label: "mongo.tests"))
    }

    private func makePrimary(_ user: String?) async throws {
        let configuration = try MongoConfiguration(url: "mongodb://127.0.0.1:\(port)/?directConnection=true")
        let client = try MongoClient(configuration, logger: Logger(label: "mongo.tests"))
        try await client.waitUntilAvailable(deadline: .after(.seconds(30)))
        try await client.runCommand(
            ["replSetInitiate": ["_id": "rs0", "members": [["_id": 0, "host": .string("127.0.0.1:\(port)")]]]],
            database: "admin")
        if let user { try await add(user, client) }
        await client.close()
        let member = try self.client { $0.serverSelectionTimeout = .seconds(20) }
        try await member.waitUntilAvailable(deadline: .after(.seconds(30)))
        await member.close()
    }

    /// The first user may be made by anybody on this machine, once there is a primary.
    private func add(_ user: String, _ client: MongoClient) async throws {
        let parts = user.split(separator: ":").map { BSONValue.string(String($0)) }
        let deadline = Deadline.after(.seconds(30))
        while try await client.runCommand(["hello": 1], database: "admin")["isWritablePrimary"] != true {
            try #require(!deadline.isPast, "no primary")
        }
        try await client.runCommand(["createUser": parts[0], "pwd": parts[1], "roles": ["root"]], database: "admin")
    }

    private func signal(_ number: Int32) {
        guard let server = running.withLock({ $0?.server }) else { return }
        Foundation.kill(server.processIdentifier, number)
    }

    /// QUARTET_MONGOD, mongod on the path, or the one that infra/setup fetched.
    private static func program() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let path = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/mongod" }
        let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "")/.cache"
        let fetched = "\(cache)/quartet/servers/mongod"
        let candidates = [environment["QUARTET_MONGOD"]].compactMap { $0 } + path + [fetched]
        guard let program = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw CocoaError(.fileNoSuchFile, userInfo: [NSFilePathErrorKey: "mongod"])
        }
        return program
    }

    /// A port that nothing listens on now.
    static func freePort() throws -> UInt16 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        return UInt16(bigEndian: address.sin_port)
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
