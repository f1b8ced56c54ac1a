import ClientSupport
import Testing

@testable import QuartetStack
@testable import Redis

@Suite("Commands on a real server")
struct CommandTests {
    @Test("The typed commands do what they say")
    func typedCommands() async throws {
        try await withRedis { _, client in
            try await client.ping()
            #expect(try await client.get("none") == nil)
            #expect(try await client.set("k", "v"))
            #expect(try await client.get("k") == Array("v".utf8))
            #expect(try await client.set("k", "w", onlyIfAbsent: true) == false)
            #expect(try await client.set("short", [0, 255] as [UInt8], px: .seconds(100), onlyIfAbsent: true))
            let ttl = try await client.send(RedisCommand("PTTL", "short")).int()
            #expect((1...100_000).contains(ttl))
            #expect(try await client.mget(["k", "none", "short"]) == [Array("v".utf8), nil, [0, 255]])
            _ = try await client.send(RedisCommand("HSET", "h", "a", 1, "b", "two"))
            #expect(try await client.hgetall("h") == ["a": Array("1".utf8), "b": Array("two".utf8)])
            #expect(try await client.hgetall("none").isEmpty)
            #expect(try await client.del(["k", "h", "none"]) == 2)
            #expect(try await client.del([]) == 0)
            #expect(try await client.mget([]).isEmpty)
        }
    }

    @Test("An error reply is thrown, names the server, and leaves the connection in order")
    func errorReply() async throws {
        try await withRedis { server, client in
            try await client.set("k", "v")
            let error = try await redisError { try await client.send(RedisCommand("LPUSH", "k", 1)) }
            #expect(error.code == .server("WRONGTYPE") && !error.isRetriable && !error.mayHaveHappened)
            #expect(error.description.hasPrefix("redis 127.0.0.1:\(server.port): WRONGTYPE"))
            #expect(try await client.get("k") == Array("v".utf8))
        }
    }

    @Test("Large values arrive whole, in both directions", arguments: [100_000, 40_000_000])
    func largeValues(size: Int) async throws {
        try await withRedis { _, client in
            var value = [UInt8](repeating: 13, count: size)
            for index in stride(from: 0, to: size, by: 997) { value[index] = UInt8(truncatingIfNeeded: index) }
            try await client.set("large", value)
            async let after = client.send(RedisCommand("STRLEN", "large")).int()
            #expect(try await client.get("large") == value)
            #expect(try await after == Int64(size))
        }
    }

    @Test("A pipeline gives one result per command in order, also across its parts")
    func pipeline() async throws {
        try await withRedis(settings: .with { $0.pipelineSizeMax = 7 }) { _, client in
            var commands = (0..<100).map { RedisCommand("SET", "k\($0)", $0) }
            commands += (0..<100).map { RedisCommand("GET", "k\($0)") }
            commands.append(RedisCommand("LPUSH", "k1", 1))
            let results = try await client.pipeline(commands)
            #expect(results.count == 201)
            for (index, result) in results[100..<200].enumerated() { #expect(try result.get().int() == Int64(index)) }
            #expect(throws: RedisError.self) { try results[200].get() }
            #expect(try await client.pipeline([]).isEmpty)
        }
    }

    @Test("A pipeline of more bytes than may wait is sent in parts; a command of more is refused")
    func bytesBound() async throws {
        try await withRedis(settings: .with { $0.outboundBytesMax = 10_000 }) { _, client in
            let value = [UInt8](repeating: 1, count: 4_000)
            let results = try await client.pipeline((0..<10).map { RedisCommand("SET", "k\($0)", value) })
            for result in results { _ = try result.get() }
            let error = try await redisError { try await client.set("k", [UInt8](repeating: 1, count: 10_001)) }
            #expect(error.code == .commandTooLarge && !error.isRetriable)
        }
    }

    @Test("Many callers at once each get their own reply")
    func manyCallers() async throws {
        try await withRedis { _, client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<64 {
                    group.addTask {
                        for call in 0..<100 {
                            let text = "\(caller)-\(call)"
                            let reply = try await client.send(RedisCommand("ECHO", text)).string()
                            #expect(reply == text)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("Scanning gives every key that matches, page by page")
    func scan() async throws {
        try await withRedis { _, client in
            _ = try await client.pipeline((0..<500).map { RedisCommand("SET", "a:\($0)", $0) })
            try await client.set("b", "other")
            var keys: Set<String> = []
            var pages = 0
            for try await page in client.scan(matching: "a:*", pageSize: 50) {
                pages += 1
                for key in page { keys.insert(String(decoding: key, as: UTF8.self)) }
            }
            #expect(keys == Set((0..<500).map { "a:\($0)" }))
            #expect(pages > 1)
        }
    }

    @Test("The chosen database and name are the connection's")
    func handshake() async throws {
        try await withRedis { server, client in
            let other = makeClient(of: server) {
                $0.database = 3
                $0.clientName = "tester"
            }
            try await other.set("k", "v")
            #expect(try await client.get("k") == nil)
            let list = try await other.send(RedisCommand("CLIENT", "LIST")).string()
            #expect(list.contains("name=tester") && list.contains("db=3"))
            await other.close()
        }
    }

    @Test("A script runs, and again after the server has forgotten it")
    func scripts() async throws {
        try await withRedis { server, client in
            let script = RedisScript("redis.call('SET', KEYS[1], ARGV[1]) return {redis.call('GET', KEYS[1]), 7}")
            for forget in ["SCRIPT EXISTS", "SCRIPT FLUSH", "FLUSHALL"] {
                let words = forget.split(separator: " ")
                var command = RedisCommand(String(words[0]), arguments: words.dropFirst().map { $0 })
                if words.last == "EXISTS" { command.append(script.sha1) }
                _ = try await client.send(command)
                let reply = try await client.eval(script, keys: ["k"], args: ["v"])
                #expect(reply == .array([.bulkString(Array("v".utf8)), .integer(7)]))
            }
            #expect(
                try await client.send(RedisCommand("SCRIPT", "EXISTS", script.sha1)) == .array([.integer(1)]))
        }
    }

    @Test("Script calls in a pipeline recover from NOSCRIPT, each with its own result")
    func pipelinedScripts() async throws {
        try await withRedis { _, client in
            let double = RedisScript("return tonumber(ARGV[1]) * 2")
            let fail = RedisScript("return redis.error_reply('MINE failed')")
            let commands = (0..<50).map { RedisCommand.eval($0 % 10 == 9 ? fail : double, keys: [], args: [$0]) }
            for _ in 0..<2 {
                let results = try await client.pipeline(commands)
                for (index, result) in results.enumerated() {
                    switch result {
                    case .success(let value): #expect(try value.int() == Int64(index * 2) && index % 10 != 9)
                    case .failure(let error): #expect(error.code == .server("MINE") && index % 10 == 9)
                    }
                }
                _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
            }
        }
    }
}
