import ClientSupport
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis
import Testing

@Suite(.timeLimit(.minutes(2))) struct RedisCacheCheckStoreTests {
    /// Everything under a prefix of one's own is Quartet's, though the prefix have characters that globs give a meaning.
    @Test(.serialized, arguments: CacheCheckStoreConformance.behaviours)
    func conformsUnderPrefix(_ behaviour: Conformance<CacheCheckStoreSubject>) async throws {
        let name = TestStack.uniqueName("checkStore")
        try await check(behaviour, prefix: "\(name)[a]*\\?:", stranger: "\(name)a?:product_cache")
    }

    /// Without a prefix only the names of its families are Quartet's.
    @Test(.serialized, arguments: CacheCheckStoreConformance.behaviours)
    func conformsWithoutPrefix(_ behaviour: Conformance<CacheCheckStoreSubject>) async throws {
        try await check(behaviour, prefix: "", stranger: "analysis_cache:\(TestStack.uniqueName("visits"))")
    }

    @Test(.serialized, arguments: CacheCheckStoreConformance.behaviours)
    func conformsOverACluster(_ behaviour: Conformance<CacheCheckStoreSubject>) async throws {
        let name = TestStack.uniqueName("checkStore")
        try await check(behaviour, prefix: "\(name):", stranger: "\(name)a:product_cache", isCluster: true)
    }

    private func check(
        _ behaviour: Conformance<CacheCheckStoreSubject>, prefix: String, stranger: String, isCluster: Bool = false
    ) async throws {
        func withServer(_ body: (RedisClient) async throws -> Void) async throws {
            if isCluster { try await withRedisCluster(nil, body) } else { try await withRedis(nil, body) }
        }
        try await withServer { client in
            try await PostgresTestDatabase.withMigrated { databases in
                var cache = RedisCacheConfiguration()
                var progress = RedisProgressConfiguration()
                cache.keys = RedisKeys(prefix: prefix, isCluster: isCluster)
                progress.keys = cache.keys
                let times = (
                    CacheFamily.latestResults.timeToLive, CacheFamily.products.timeToLive, progress.ttl
                )
                let checkStore = try RedisCacheCheckStore(
                    client: client, cache: cache, progress: progress, databases: databases)
                let subject = CacheCheckStoreSubject(
                    checkStore: checkStore, cache: makeCache(client, cache),
                    stores: try PostgresTestDatabase.fixture(databases), prefix: prefix, stranger: stranger,
                    timesToLive: times,
                    plant: { name, timeToLive in
                        _ = try await client.send(RedisCommand("SET", name, "planted"))
                        try await setTimeToLive(of: name, timeToLive, client)
                    },
                    timeToLive: { name in
                        let left = try await client.send(RedisCommand("PTTL", name)).int()
                        return left < 0 ? nil : .milliseconds(left)
                    },
                    setTimeToLive: { try await setTimeToLive(of: $0, $1, client) })
                try await behaviour.check(subject)
            }
        }
    }

    private func setTimeToLive(of name: [UInt8], _ timeToLive: Duration?, _ client: RedisClient) async throws {
        let command =
            timeToLive.map { RedisCommand("PEXPIRE", name, $0.wholeMilliseconds) } ?? RedisCommand("PERSIST", name)
        _ = try await client.send(command)
    }
}
