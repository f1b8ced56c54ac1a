import ClientSupport
import NIOCore
import NIOPosix
import Testing

@testable import QuartetStack
@testable import Redis

@Suite("Failures of calls and of the server")
struct FailureTests {
    /// Returns when `count` clients of the server are held up by CLIENT PAUSE.
    private func awaitPaused(_ count: Int, seenBy observer: RedisClient) async throws {
        try await eventually {
            let list = try await observer.send(RedisCommand("CLIENT", "LIST")).string()
            return list.split(separator: "\n").count { $0.contains(" flags=b ") } == count
        }
    }

    private func pause(by observer: RedisClient) async throws {
        _ = try await observer.send(RedisCommand("CLIENT", "PAUSE", 1_000_000, "WRITE"))
    }

    @Test("A deadline ends the wait; the reply that comes later reaches nobody else")
    func deadline() async throws {
        try await withRedis { server, client in
            let observer = makeClient(of: server)
            try await pause(by: observer)
            let error = try await redisError {
                try await client.send(RedisCommand("SET", "k", "v"), deadline: .after(.milliseconds(50)))
            }
            #expect(error.code == .deadlineExceeded && error.mayHaveHappened && error.isRetriable)
            async let later = client.send(RedisCommand("ECHO", "later"))
            _ = try await observer.send(RedisCommand("CLIENT", "UNPAUSE"))
            #expect(try await later.string() == "later")
            #expect(try await client.get("k") == Array("v".utf8))
            await observer.close()
        }
    }

    @Test("A deadline that has passed sends nothing")
    func pastDeadline() async throws {
        try await withRedis { _, client in
            let error = try await redisError {
                try await client.send(RedisCommand("SET", "k", "v"), deadline: .after(.seconds(-1)))
            }
            #expect(error.code == .deadlineExceeded && !error.mayHaveHappened)
            #expect(try await client.get("k") == nil)
        }
    }

    @Test("A cancelled caller is resumed at once and the others get their own replies")
    func cancellation() async throws {
        try await withRedis { server, client in
            let observer = makeClient(of: server)
            try await pause(by: observer)
            let cancelled = Task { try await client.send(RedisCommand("SET", "k", "v")) }
            try await awaitPaused(1, seenBy: observer)
            async let echo = client.send(RedisCommand("ECHO", "mine"))
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            _ = try await observer.send(RedisCommand("CLIENT", "UNPAUSE"))
            #expect(try await echo.string() == "mine")
            await observer.close()
        }
    }

    @Test("A task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        try await withRedis { _, client in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.set("k", "v")
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            let value = try await client.get("k")
            #expect(value == nil)
        }
    }

    @Test("A server that dies under a call says that it may have happened, then calls fail fast, then it is back")
    func serverDies() async throws {
        try await withRedis { server, client in
            let observer = makeClient(of: server)
            try await client.ping()
            try await pause(by: observer)
            async let single = redisError { try await client.send(RedisCommand("SET", "k", "v")) }
            async let several = client.pipeline((0..<3).map { RedisCommand("SET", "k\($0)", "v") })
            try await awaitPaused(1, seenBy: observer)
            await server.kill()

            let error = try await single
            #expect(error.code == .connectionLost && error.mayHaveHappened && error.isRetriable && error.isUnavailable)
            #expect(error.location == "127.0.0.1:\(server.port)")
            #expect(try await several.count == 3)

            let refused = try await redisError { try await client.ping() }
            #expect(refused.isUnavailable && refused.isRetriable && !refused.mayHaveHappened)

            try await server.start()
            try await eventually { (try? await client.ping()) != nil }
            #expect(try await client.get("k") == nil)
            await observer.close()
        }
    }

    @Test("A restarted server gets its scripts again")
    func scriptAfterRestart() async throws {
        try await withRedis { server, client in
            let script = RedisScript("return 5")
            #expect(try await client.eval(script, keys: []).int() == 5)
            await server.kill()
            try await server.start()
            try await eventually { (try? await client.ping()) != nil }
            #expect(try await client.eval(script, keys: []).int() == 5)
        }
    }

    @Test("A server that closes idle connections is there for the next call")
    func idleConnectionsClosed() async throws {
        // On one loop, a connection's end has come to it once the observer knows of it.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let server = try makeServer()
        try await server.start()
        var configuration = RedisConfiguration()
        (configuration.port, configuration.commandTimeout) = (Int(server.port), .seconds(20))
        configuration.reconnectBackoff = Backoff(base: .seconds(1000), max: .seconds(1000))
        let observer = RedisClient(configuration: configuration, logger: .silent, eventLoopGroup: loop)
        configuration.clientName = "idler"
        let client = RedisClient(configuration: configuration, logger: .silent, eventLoopGroup: loop)
        var closed = ""
        for _ in 0..<3 {
            try await client.ping()
            // The one that has answered is replaced at once, the one that was asked nothing is not.
            for _ in 0..<2 {
                try await eventually {
                    let list = try await observer.send(RedisCommand("CLIENT", "LIST")).string().split(separator: "\n")
                    let idler = list.first { $0.contains("name=idler") }?.split(separator: " ").first
                    guard let id = idler?.dropFirst("id=".count), id != closed else { return false }
                    closed = String(id)
                    return true
                }
                #expect(try await observer.send(RedisCommand("CLIENT", "KILL", "ID", closed)).int() == 1)
                for _ in 0..<3 { try await loop.submit {}.get() }
            }
        }
        try await client.ping()
        await client.close()
        await observer.close()
        await server.kill()
    }

    @Test("A refused connection names host and port on one line, and that nothing happened")
    func refusedConnection() async throws {
        let server = try await makeServerThatIsAway()
        let client = makeClient(of: server)
        let error = try await redisError { try await client.set("k", "v") }
        #expect(error.code == .connect && !error.mayHaveHappened && error.isUnavailable)
        #expect(error.description.contains("127.0.0.1:\(server.port)"))
        #expect(error.description.contains("refused"))
        #expect(!error.description.contains("\n"))
        await client.close()
    }

    @Test("A wrong password is one line without the password")
    func wrongPassword() async throws {
        try await withRedis(options: ["--requirepass", "right"], settings: .with { $0.password = "right" }) {
            server, client in
            try await client.ping()
            for (password, expected) in [("wrong-one", "WRONGPASS"), (nil, "NOAUTH")] as [(String?, String)] {
                let other = makeClient(of: server) { $0.password = password }
                let error = try await redisError { try await other.ping() }
                #expect(error.code == .authentication && !error.isRetriable && error.isUnavailable)
                #expect(error.description.contains(expected) && error.description.contains(":\(server.port)"))
                #expect(!error.description.contains("wrong-one") && !error.description.contains("\n"))
                await other.close()
            }
        }
    }

    @Test("An ACL user logs in by name, and may be refused a command")
    func aclUser() async throws {
        let acl = ["--user", "reader", "on", ">secret", "~*", "&*", "-@all", "+get", "+auth"]
        try await withRedis(
            options: acl,
            settings: .with {
                $0.username = "reader"
                $0.password = "secret"
                $0.clientName = "reader"
            }
        ) { _, client in
            #expect(try await client.get("k") == nil)
            let error = try await redisError { try await client.set("k", "v") }
            #expect(error.code == .server("NOPERM"))
        }
    }

    @Test("A server that can't save is there for reads and subscriptions")
    func unableToSave() throws {
        var handshake = Handshake(RedisConfiguration(host: "cache", port: 6379))
        for _ in handshake.commands.dropLast() { try handshake.receive(.simpleString(Array("OK".utf8))) }
        try handshake.receive(.error("MISCONF Redis is configured to save RDB snapshots, but can't"))
        #expect(handshake.isComplete)
    }

    @Test("What listens but does not answer is given up after the connect timeout")
    func silentServer() async throws {
        // A server stopped in its tracks still accepts connections.
        try await withRedis { server, _ in
            await server.suspend()
            let other = makeClient(of: server) { $0.connectTimeout = .milliseconds(100) }
            let error = try await redisError { try await other.ping() }
            #expect(error.code == .connect && !error.mayHaveHappened)
            await server.resume()
            try await eventually { (try? await other.ping()) != nil }
            await other.close()
        }
    }

    @Test("A connection on which nothing comes any more is given up and replaced")
    func stalledServer() async throws {
        try await withRedis(settings: .with { $0.stallTimeout = .milliseconds(100) }) { server, client in
            try await client.ping()
            await server.suspend()
            let error = try await redisError {
                try await client.send(RedisCommand("PING"), deadline: .after(.milliseconds(200)))
            }
            #expect(error.mayHaveHappened)
            // The next calls fail until a new connection is made; the stalled one is not used again.
            await server.resume()
            try await eventually { (try? await client.ping()) != nil }
        }
    }

    @Test("Calls beyond what may be in flight are refused at once")
    func overload() async throws {
        try await withRedis(
            settings: .with {
                $0.inFlightMax = 2
                $0.pipelineSizeMax = 2
            }
        ) { server, client in
            let observer = makeClient(of: server)
            try await client.ping()
            try await pause(by: observer)
            async let results = client.pipeline([RedisCommand("SET", "a", 1), RedisCommand("SET", "b", 2)])
            try await awaitPaused(1, seenBy: observer)
            let error = try await redisError { try await client.ping() }
            #expect(error.code == .overloaded && !error.mayHaveHappened && error.isRetriable)
            _ = try await observer.send(RedisCommand("CLIENT", "UNPAUSE"))
            for result in try await results { _ = try result.get() }
            try await client.ping()
            await observer.close()
        }
    }

    @Test("Closing lets calls on the way end and refuses new ones")
    func close() async throws {
        try await withRedis { server, client in
            let observer = makeClient(of: server)
            try await client.ping()
            try await pause(by: observer)
            async let set = client.set("k", "v")
            try await awaitPaused(1, seenBy: observer)
            async let closed: Void = client.close()
            // Calls before the close wait behind the paused one, until their deadline.
            try await eventually {
                try await redisError { try await client.ping(deadline: .after(.milliseconds(5))) }.code == .closed
            }
            _ = try await observer.send(RedisCommand("CLIENT", "UNPAUSE"))
            #expect(try await set)
            await closed
            try await eventually {
                let list = try await observer.send(RedisCommand("CLIENT", "LIST")).string()
                return list.split(separator: "\n").count == 1
            }
            await observer.close()
        }
    }
}
