import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis
import Testing

/// Hits without a script.
@Suite(.timeLimit(.minutes(2))) struct RedisCacheLookTests {
    private let key: CacheKey
    private let entry = CacheEntry(version: 5, value: Array("{}".utf8))

    init() throws {
        key = .product(try #require(ProductID("p")))
    }

    private func calls(of command: String, _ client: RedisClient) async throws -> Int {
        let stats = try await client.send(RedisCommand("INFO", "commandstats")).string()
        return stats.firstMatch(of: try Regex("cmdstat_\(command):calls=([0-9]+)"))
            .flatMap { Int($0.output[1].substring ?? "") } ?? 0
    }

    @Test func aHitTakesNoScriptAndOneRoundTrip() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                let page = CacheKey.productPage(after: nil, limit: 1)
                let list = CacheEntry(version: 0, value: [1])
                #expect(try await cache.put(entry, at: key))
                #expect(try await cache.put(list, at: page))
                let scripts = try await calls(of: "evalsha", client)
                for _ in 0..<50 {
                    #expect(try await cache.hit(CacheRead(key: key))?.entry == entry)
                    #expect(try await cache.hit(CacheRead(key: page))?.entry == list)
                }
                #expect(try await cache.hit(CacheRead(key: key, wantsLease: false))?.entry == entry)
                #expect(try await calls(of: "evalsha", client) == scripts)
                #expect(try await calls(of: "hmget", client) >= 101)
                // A caller who knows of a newer one, an entry that is to be refreshed, and a tag that was touched: the script's.
                for read in [CacheRead(key: key, versionMin: 6), CacheRead(key: key, earliness: .infinity)] {
                    #expect(try await cache.hit(read) == nil)
                }
                try await cache.invalidate([.tag(.products)])
                #expect(try await cache.hit(CacheRead(key: page)) == nil)
            }
        }
    }

    /// The ticket of a look that wants it fresh is as good as a script's.
    @Test func whatWasFoundCanBeReplaced() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                #expect(try await cache.put(entry, at: key))
                let ticket = try #require(await cache.hit(CacheRead(key: key, wantsLease: false))).ticket
                let newer = CacheEntry(version: 6, value: [6])
                #expect(try await cache.put(newer, at: key, by: ticket))
                #expect(try await cache.get(key) == newer)
            }
        }
    }

    /// During an update there are processes that know nothing of heads.
    @Test func aHeadThatAnotherVersionLeftBehindIsNotBelieved() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                let name = RedisKeys().cache(key)
                #expect(try await cache.put(entry, at: key))
                #expect(try await cache.get(key) == entry)
                _ = try await client.send(RedisCommand("HSET", name, "version", 6, "value", "[]"))
                #expect(try await cache.get(key) == CacheEntry(version: 6, value: Array("[]".utf8)))
                _ = try await client.send(RedisCommand("HSET", name, "version", 7))
                _ = try await client.send(RedisCommand("HDEL", name, "value"))
                #expect(try await cache.get(key) == nil)
                for head in ["", "x", "a 5 1 1 ", "5 5 5 5 5", "\u{0} 7  "] {
                    _ = try await client.send(RedisCommand("HSET", name, "head", head, "value", "[]"))
                    #expect(try await cache.get(key)?.version == 7)
                }
            }
        }
    }

    /// A server that is made a replica while it is connected to shows nothing, from a tenth of a second on.
    @Test func aServerThatBecameAReplicaIsNotBelieved() async throws {
        try await withPrivateRedis { first in
            try await withPrivateRedis { second in
                try await withRedis(second) { client in
                    let cache = makeCache(client)
                    #expect(try await cache.put(entry, at: key))
                    for _ in 0..<2 { #expect(try await cache.get(key) == entry) }
                    let port = String(first.url.split(separator: ":").last ?? "")
                    _ = try await client.send(RedisCommand("REPLICAOF", "127.0.0.1", port))
                    let deadline = ContinuousClock.now + .seconds(20)
                    while true {
                        guard ContinuousClock.now < deadline else {
                            Issue.record("a replica is believed")
                            break
                        }
                        do { _ = try await cache.get(key) } catch is RedisError { break }
                    }
                }
            }
        }
    }
}
