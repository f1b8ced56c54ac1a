import ClientSupport
import Logging
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis
import Testing

/// What a cache shows whose server lost its memory, regained it, or has another's.
@Suite(.timeLimit(.minutes(2))) struct RedisCacheMemoryTests {
    private let key: CacheKey
    private let old = CacheEntry(version: 1, value: [1])

    init() throws {
        key = .product(try #require(ProductID("p")))
    }

    @Test func whatARestartBringsBackIsNotShown() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                #expect(try await cache.put(old, at: key))
                let ticket = try await cache.get([CacheRead(key: key)])[0].ticket
                await server.kill()
                try await server.start()
                try await eventually { try await client.ping() }
                // It is there: a snapshot from before its tombstone would be too.
                #expect(try await client.hgetall(RedisKeys().cache(key))["value"] == [1])
                #expect(try await cache.get(key) == nil)
                #expect(try await cache.put(old, at: key, by: ticket) == false)
                #expect(try await cache.get(key) == nil)
                #expect(try await cache.put(old, at: key))
                #expect(try await cache.get(key) == old)
            }
        }
    }

    @Test func aReplicaThatLaggedShowsNothingOld() async throws {
        try await withPrivateRedis { first in
            try await withPrivateRedis { second in
                try await withRedis(first) { primary in
                    try await withRedis(second) { replica in
                        let (before, after) = (
                            makeCache(primary), makeCache(replica)
                        )
                        let port = String(first.url.split(separator: ":").last ?? "")
                        #expect(try await before.put(old, at: key))
                        let ticket = try await before.get([CacheRead(key: key)])[0].ticket
                        _ = try await replica.send(RedisCommand("REPLICAOF", "127.0.0.1", port))
                        // It does not know it before it has been copied.
                        while try await replica.hgetall(RedisKeys().cache(key)).isEmpty { await Task.yield() }
                        // A replica is no cache: what it says may be old, and it is passed over.
                        await #expect(throws: RedisError.self) { try await after.get(key) }
                        try await after.invalidate([.entry(key, version: 2)])
                        // It is promoted without the tombstone.
                        _ = try await replica.send(RedisCommand("REPLICAOF", "NO", "ONE"))
                        try await before.invalidate([.entry(key, version: 2)])
                        #expect(try await replica.hgetall(RedisKeys().cache(key))["value"] == [1])
                        #expect(try await after.get(key) == nil)
                        #expect(try await after.put(old, at: key, by: ticket) == false)
                        #expect(try await after.put(CacheEntry(version: 2, value: [2]), at: key))
                    }
                }
            }
        }
    }

    @Test func aFlushBetweenLookAndPutIsNoticed() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                let ticket = try await cache.get([CacheRead(key: key)])[0].ticket
                try await cache.invalidate([.entry(key, version: 2)])
                _ = try await client.send(RedisCommand("FLUSHALL"))
                #expect(try await cache.put(old, at: key, by: ticket) == false)
                #expect(try await cache.get(key) == nil)
            }
        }
    }

    // MARK: What can't be written to

    @Test func aKeyOfAnotherTypeIsReplaced() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                let name = RedisKeys().cache(key)
                try await client.set(name, "not a hash")
                try await cache.invalidate([.entry(key, version: 2)])
                #expect(try await cache.put(old, at: key) == false)
                try await client.set(name, "not a hash")
                #expect(try await cache.get(key) == nil)
                try await client.set(name, "not a hash")
                #expect(try await cache.put(old, at: key))
                #expect(try await cache.get(key) == old)
                let tag = RedisKeys().cacheTag(.products)
                _ = try await client.send(RedisCommand("SADD", tag, "not a stamp"))
                let page = CacheKey.productPage(after: nil, limit: 1)
                try await cache.invalidate([.tag(.products)])
                #expect(try await cache.put(CacheEntry(version: 0, value: [1]), at: page))
                // A tag that is lost alone takes its entries with it.
                _ = try await client.del([tag])
                #expect(try await cache.get(page) == nil)
            }
        }
    }

    @Test func whatIsNotAllowedHoldsNothingUp() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let rights = ["on", ">pw", "~product_cache:*", "~cache_epoch", "+@all"]
                _ = try await client.send(RedisCommand("ACL", arguments: ["SETUSER", "some"] + rights))
                var configuration = try RedisConfiguration(url: server.url)
                (configuration.username, configuration.password) = ("some", "pw")
                let limited = RedisClient(configuration: configuration, logger: Logger(label: "test"))
                let product = try #require(ProductID("p"))
                try await makeCache(limited).invalidate([
                    .entry(.analysis(product), version: 2), .tag(.products), .entry(key, version: 2),
                ])
                #expect(try await client.hgetall(RedisKeys().cache(key))["version"] == Array("2".utf8))
                await limited.close()
            }
        }
    }

    @Test func aServerWithoutMemoryForgetsWhatIsOld() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                let page = CacheKey.productPage(after: nil, limit: 1)
                let list = CacheEntry(version: 0, value: [1])
                #expect(try await cache.put(old, at: key))
                #expect(try await cache.put(list, at: page))
                _ = try await client.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
                #expect(try await cache.get(key) == old)
                #expect(try await cache.get(page) == list)
                try await cache.invalidate([.entry(key, version: 2), .tag(.products)])
                #expect(try await cache.get(key) == nil)
                #expect(try await cache.get(page) == nil)
            }
        }
    }

    @Test func aServerThatIsSlowIsNotWaitedFor() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = RedisVersionedCache(client: client)
                _ = try await cache.get(key)
                _ = try await client.send(RedisCommand("CLIENT", "PAUSE", 8000, "ALL"))
                let began = ContinuousClock.now
                let error = await #expect(throws: RedisError.self) { try await cache.get(key) }
                #expect(error?.code == .deadlineExceeded)
                #expect(began.duration(to: .now) < .seconds(6), "shorter than the server is slow")
            }
        }
    }

    // MARK: Progress

    @Test func whoHearsOfAnEndDoesNotSeeWhatItMadeOld() async throws {
        try await withRedis { client in
            var configuration = RedisCacheConfiguration()
            configuration.keys = RedisKeys(prefix: TestStack.uniqueName("ends") + ":")
            var progress = RedisProgressConfiguration()
            progress.keys = configuration.keys
            let cache = makeCache(client, configuration)
            let boards = (0..<2).map { _ in
                RedisProgressBoard(
                    client: client, configuration: progress, cache: configuration, logger: Logger(label: "test"))
            }
            for board in boards {
                let id = RequestID.make()
                #expect(try await cache.put(old, at: key))
                var reports = board.reports(of: id).makeAsyncIterator()
                _ = await reports.next()
                async let reported: Void = boards[0].report(
                    [Progress(requestID: id, done: 1, total: 1, phase: .completed)],
                    invalidating: [.entry(key, version: 2)])
                while await reports.next()??.phase != .completed {}
                #expect(try await cache.get(key) == nil)
                try await reported
                _ = try await client.del([configuration.keys.cache(key)])
            }
        }
    }

    /// Runs `body` again until it does not throw.
    private func eventually(_ body: () async throws -> Void) async throws {
        let deadline = Deadline.after(.seconds(20))
        while true {
            do { return try await body() } catch  where !deadline.isPast { await Task.yield() }
        }
    }
}
