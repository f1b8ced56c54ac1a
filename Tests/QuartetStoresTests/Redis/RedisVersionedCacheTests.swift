import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis
import Testing

@Suite(.timeLimit(.minutes(2))) struct RedisVersionedCacheTests {
    @Test(arguments: VersionedCacheConformance.behaviours)
    func conforms(_ behaviour: Conformance<any VersionedCache>) async throws {
        try await withRedis { try await behaviour.check(makeCache($0)) }
    }

    @Test func everyKeyExpires() async throws {
        try await withRedis { client in
            var configuration = RedisCacheConfiguration()
            configuration.keys = RedisKeys(prefix: TestStack.uniqueName("cache") + ":")
            configuration.timesToLive = [.latestResults: .seconds(600), .products: .seconds(60)]
            configuration.tombstoneTTL = .seconds(6)
            let cache = makeCache(client, configuration)
            let products = try (0..<4).map { try #require(ProductID("p\($0)")) }
            let entry = CacheEntry(version: 1, value: [1])
            _ = try await cache.put(entry, at: .analysis(products[0]))
            _ = try await cache.put(entry, at: .product(products[1]))
            _ = try await cache.put(entry, at: .analysis(products[2]))
            try await cache.invalidate([
                CacheInvalidation(key: .analysis(products[2]), version: 2),
                CacheInvalidation(key: .product(products[3]), version: 2),
            ])
            var keys: Set<String> = []
            for try await page in client.scan(matching: configuration.keys.prefix + "*") {
                keys.formUnion(page.map { String(decoding: $0, as: UTF8.self) })
            }
            let expected: [String: ClosedRange<Int64>] = [
                "analysis_cache:{p0}": 500_000...600_000, "product_cache:{p1}": 50_000...60_000,
                "analysis_cache:{p2}": 1...6000, "product_cache:{p3}": 1...6000,
                "cache_epoch": 80_000_000...86_400_000,
            ]
            #expect(keys == Set(expected.keys.map { configuration.keys.prefix + $0 }))
            for (key, range) in expected {
                let left = try await client.send(RedisCommand("PTTL", configuration.keys.prefix + key)).int()
                #expect(range.contains(left), "\(key)")
            }
            // A tombstone that gives way to an entry lives as long as that.
            #expect(try await cache.put(CacheEntry(version: 2, value: [2]), at: .analysis(products[2])))
            let key = configuration.keys.cache(.analysis(products[2]))
            #expect(try await client.send(RedisCommand("PTTL", key)).int() > 500_000)
        }
    }

    @Test func valuesBeyondTheBoundAreNotKept() async throws {
        try await withRedis { client in
            var configuration = RedisCacheConfiguration()
            configuration.valueBytesMax = 10
            let cache = makeCache(client, configuration)
            let key = CacheKey.product(try #require(ProductID(TestStack.uniqueName("p"))))
            #expect(
                try await cache.put(CacheEntry(version: 1, value: Array(repeating: 0, count: 11)), at: key) == false)
            #expect(try await cache.put(CacheEntry(version: 1, value: Array(repeating: 0, count: 10)), at: key))
        }
    }

    @Test func scriptsComeBackAfterEverythingIsFlushed() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let cache = makeCache(client)
                let keys = try (0..<50).map { CacheKey.product(try #require(ProductID("p\($0)"))) }
                for version in Int64(1)...3 {
                    #expect(try await cache.put(CacheEntry(version: version, value: [1]), at: keys[0]))
                    try await cache.invalidate(keys.map { CacheInvalidation(key: $0, version: version + 1) })
                    #expect(try await cache.put(CacheEntry(version: version, value: [1]), at: keys[49]) == false)
                    _ = try await client.send(RedisCommand("FLUSHALL"))
                    _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
                }
            }
        }
    }
}
