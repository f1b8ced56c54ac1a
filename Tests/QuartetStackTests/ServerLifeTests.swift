import Foundation
import Testing

@testable import QuartetStack

@Suite("A private server")
struct ServerLifeTests {
    @Test("keeps its port and what was committed over a restart, a kill and a new owner")
    func postgresKeepsData() async throws {
        let folder = try Probe.makeFolder("postgres-keeps")
        let server = PostgresServer(directory: folder, options: .fast, databases: ["shop"])
        try await server.start()
        let port = server.port
        _ = try Probe.sql("CREATE TABLE kept (id int)", on: server, database: "shop")
        _ = try Probe.sql("INSERT INTO kept VALUES (1)", on: server, database: "shop")

        try await server.restart()
        _ = try Probe.sql("INSERT INTO kept VALUES (2)", on: server, database: "shop")
        await server.kill()
        try await server.start()
        #expect(try Probe.sql("SELECT id FROM kept ORDER BY id", on: server, database: "shop") == ["1", "2"])
        #expect(server.port == port)
        await server.stop()

        let later = PostgresServer(directory: folder, options: .fast, databases: ["shop"])
        try await later.start()
        #expect(try Probe.sql("SELECT id FROM kept ORDER BY id", on: later, database: "shop") == ["1", "2"])
        #expect(later.port == port)
        await later.stop()
    }

    @Test("keeps what Redis acknowledged over a kill")
    func redisKeepsData() async throws {
        let server = RedisServer(directory: try Probe.makeFolder("redis-keeps"), options: .fast)
        try await server.start()
        #expect(try Probe.redis("SET kept 42", on: server, replyCount: 5) == "+OK\r\n")
        await server.kill()
        try await server.start()
        #expect(try Probe.redis("GET kept", on: server, replyCount: 8) == "$2\r\n42\r\n")
        await server.stop()
    }

    @Test("stays the primary of its replica set when its data come up on another port")
    func mongoMoves() async throws {
        let folder = try Probe.makeFolder("mongo-moves")
        let first = MongoServer(directory: folder, options: .fast)
        try await first.start()
        try await first.restart()
        #expect(try await Probe.isPrimary(first))
        await first.stop()
        try ServerFolder(root: folder, name: "mongod").remember(port: LoopbackPort.free())
        for _ in 0..<2 {
            let moved = MongoServer(directory: folder)
            try await moved.start()
            #expect(moved.port != first.port)
            #expect(try await Probe.isPrimary(moved))
            await moved.stop()
            try ServerFolder(root: folder, name: "mongod").remember(port: LoopbackPort.free())
        }
    }

    @Test("runs durably too, and makes its databases only once")
    func durable() async throws {
        let server = PostgresServer(directory: try Probe.makeFolder("durable"), databases: ["a", "b\"c"])
        try await server.start()
        try await server.restart()
        #expect(try Probe.sql("SHOW fsync", on: server) == ["on"])
        let names = "SELECT datname FROM pg_database WHERE datname IN ('a', 'b\"c') ORDER BY 1"
        #expect(try Probe.sql(names, on: server) == ["a", "b\"c"])
        await server.stop()
    }

    @Test("does not answer while suspended, not even in an open session, and goes on when resumed")
    func suspended() async throws {
        let server = PostgresServer(directory: try Probe.makeFolder("suspended"), options: .fast)
        try await server.start()
        let session = try ClusterSession.open(port: server.port, user: "quartet", database: "postgres")
        #expect(try session.firstColumn(of: "SELECT 1") == ["1"])
        await server.suspend()
        #expect(throws: StackError.self) { try Probe.askForSession(port: server.port) }
        await server.resume()
        #expect(await Probe.eventually { (try? Probe.sql("SELECT 2", on: server)) == ["2"] })
        await server.suspend()
        await server.stop()
        #expect(LoopbackPort.isFree(server.port))
    }

    @Test("that dies is reported with its signal, and can be started again")
    func unexpectedExit() async throws {
        let folder = try Probe.makeFolder("dies")
        let (exits, continuation) = AsyncStream.makeStream(of: ServerExit.self)
        let server = RedisServer(directory: folder, options: .fast) { continuation.yield($0) }
        try await server.start()
        kill(try Probe.pid(of: "redis", in: folder), SIGKILL)
        let exit = try #require(await exits.first { _ in true })
        #expect(exit.server == "redis")
        #expect(exit.reason == "signal 9")
        try await server.start()
        #expect(try Probe.redis("PING", on: server, replyCount: 7) == "+PONG\r\n")
        await server.stop()
        continuation.finish()
        #expect(await exits.first { _ in true } == nil)
    }

    @Test("that can't start says why in its own words")
    func cannotStart() async throws {
        let folder = try Probe.makeFolder("broken")
        let server = PostgresServer(directory: folder, options: .fast)
        try await server.start()
        await server.stop()
        let version = ServerFolder(root: folder, name: "postgres").data.appendingPathComponent("PG_VERSION")
        try Data("7\n".utf8).write(to: version)
        let error = await #expect(throws: StackError.self) { try await server.start() }
        #expect(error?.code == .startFailed)
        #expect(error?.message.contains("FATAL:  database files are incompatible with server") == true)
        #expect(error?.message.contains("\n") == false)
    }

    @Test("takes another port when the one it had is taken, and no other once clients know it")
    func portTaken() async throws {
        let folder = try Probe.makeFolder("port")
        let first = RedisServer(directory: folder, options: .fast)
        try await first.start()
        await first.stop()
        let other = RedisServer(directory: try Probe.makeFolder("other"), options: .fast)
        try await other.start()
        try ServerFolder(root: folder, name: "redis").remember(port: other.port)

        let second = RedisServer(directory: folder, options: .fast)
        try await second.start()
        #expect(second.port != other.port)
        await second.stop()
        await other.stop()
    }
}
