import ClientSupport
package import QuartetCore
package import Redis

package struct RedisCacheConfiguration: Sendable, Hashable {
    package var keys = RedisKeys()
    package var analysisTTL: Duration = .seconds(6 * 3600)
    package var productTTL: Duration = .seconds(3600)
    /// For longer than the slowest reader takes from its database to the cache.
    package var tombstoneTTL: Duration = .seconds(600)
    /// Larger values are not kept.
    package var valueBytesMax = 1024 * 1024

    package init() {}
}

/// A cache in Redis: a hash of `version` and `value` per key, and a tombstone where there is only a version.
///
/// Versions are compared by the server, in the script that writes. Every key expires.
package struct RedisVersionedCache: VersionedCache {
    private let client: RedisClient
    private let configuration: RedisCacheConfiguration

    package init(client: RedisClient, configuration: RedisCacheConfiguration = RedisCacheConfiguration()) {
        let shortest = min(configuration.analysisTTL, configuration.productTTL, configuration.tombstoneTTL)
        precondition(shortest >= .milliseconds(1), "entries and tombstones live for a millisecond at least")
        self.client = client
        self.configuration = configuration
    }

    package func get(_ key: CacheKey) async throws -> CacheEntry? {
        let command = RedisCommand("HMGET", configuration.keys.cache(key), "version", "value")
        let fields = try await client.send(command).array()
        guard fields.count == 2, let version = try fields[0].intIfPresent(), let value = try fields[1].bytesIfPresent()
        else { return nil }
        return CacheEntry(version: version, value: value)
    }

    package func put(_ entry: CacheEntry, at key: CacheKey) async throws -> Bool {
        precondition(entry.version >= 0, "versions are compared as digits without a sign")
        guard entry.value.count <= configuration.valueBytesMax else { return false }
        let ttl =
            switch key {
            case .analysis: configuration.analysisTTL
            case .product: configuration.productTTL
            }
        let stored = try await client.eval(
            Self.put, keys: [configuration.keys.cache(key)], args: [entry.version, entry.value, ttl.wholeMilliseconds])
        return try stored.int() == 1
    }

    package func invalidate(_ invalidations: [CacheInvalidation]) async throws {
        guard !invalidations.isEmpty else { return }
        let ttl = configuration.tombstoneTTL.wholeMilliseconds
        let commands = invalidations.map { invalidation in
            precondition(invalidation.version >= 0, "versions are compared as digits without a sign")
            return RedisCommand.eval(
                Self.bury, keys: [configuration.keys.cache(invalidation.key)], args: [invalidation.version, ttl])
        }
        for result in try await client.pipeline(commands) { _ = try result.get() }
    }

    /// Ends the script where KEYS[1] has a version above ARGV[1]. Lua's numbers are exact up to 2^53 only, so digits are
    /// compared: the longer number is the larger.
    private static let refuseIfNewer = """
        local version = redis.call('HGET', KEYS[1], 'version')
        if version and (#version > #ARGV[1] or (#version == #ARGV[1] and version > ARGV[1])) then return 0 end

        """

    /// KEYS[1] entry; ARGV version, value, time to live in milliseconds. Returns whether it was stored.
    private static let put = RedisScript(
        refuseIfNewer + """
            redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2])
            redis.call('PEXPIRE', KEYS[1], ARGV[3])
            return 1
            """)

    /// KEYS[1] entry; ARGV version, time to live in milliseconds. Returns whether a tombstone was left.
    private static let bury = RedisScript(
        refuseIfNewer + """
            redis.call('HDEL', KEYS[1], 'value')
            redis.call('HSET', KEYS[1], 'version', ARGV[1])
            redis.call('PEXPIRE', KEYS[1], ARGV[2])
            return 1
            """)
}
