package import ClientSupport
package import Logging
package import QuartetCore
package import Redis

package struct RedisCacheConfiguration: Sendable, Hashable {
    package var keys = RedisKeys()
    /// Where a family's is another one than the table's.
    package var timesToLive: [CacheFamily: Duration] = [:]
    /// How long "there is nothing" is believed.
    package var nothingTTL: Duration = .seconds(5)
    /// For longer than the slowest reader takes from its database to the cache; older readers' puts are refused.
    package var tombstoneTTL: Duration = .seconds(600)
    /// Larger values are not kept.
    package var valueBytesMax = 1024 * 1024
    /// How long a reader waits for the cache.
    package var timeout: Duration = .milliseconds(50)
    /// How long one may load what others wait for.
    package var leaseDuration: Duration = .seconds(2)

    package init() {}

    package func timeToLive(of family: CacheFamily) -> Duration { timesToLive[family] ?? family.timeToLive }

    /// A tag outlives every entry from before it was touched.
    var tagTTL: Duration {
        tombstoneTTL + (CacheFamily.all.filter { $0.tag != nil }.map(timeToLive).max() ?? .zero)
    }
}

/// A cache in Redis. Versions, times and epochs are compared by the server, in the scripts that read and write. Every key
/// expires.
package struct RedisVersionedCache: VersionedCache {
    private let client: RedisClient
    private let configuration: RedisCacheConfiguration
    private let tombstones: RedisTombstones
    private let look: RedisCacheLook
    private let logger: Logger

    package init(
        client: RedisClient, configuration: RedisCacheConfiguration = RedisCacheConfiguration(),
        logger: Logger = Logger(label: "quartet.cache")
    ) {
        let shortest = (CacheFamily.all.map(configuration.timeToLive) + [configuration.tombstoneTTL]).min()
        precondition(shortest ?? .zero >= .milliseconds(1), "entries and tombstones live for a millisecond at least")
        self.client = client
        self.configuration = configuration
        self.logger = logger
        look = RedisCacheLook(client: client, keys: configuration.keys)
        tombstones = RedisTombstones(client: client, configuration: configuration, logger: logger)
    }

    package func hit(_ read: CacheRead) async throws -> CacheReply? {
        // Each node of a cluster would have to say which it is.
        guard !configuration.keys.isCluster else { return nil }
        return try await look.hit(read, deadline: .after(configuration.timeout))
    }

    /// By the script, which judges all cases, and gives leases.
    package func get(_ reads: [CacheRead]) async throws -> [CacheReply] {
        let deadline = Deadline.after(configuration.timeout)
        let leases = reads.map { $0.wantsLease ? String(UInt64.random(in: 0...UInt64.max), radix: 36) : "" }
        let commands = zip(reads, leases).map { read, lease in
            RedisCommand.eval(
                RedisCacheScripts.get, keys: configuration.keys.scriptKeys(read.key),
                args: [read.versionMin, lease, configuration.leaseDuration.wholeMilliseconds, read.earliness])
        }
        let results = try await client.pipeline(commands, deadline: deadline)
        var replies: [CacheReply] = []
        replies.reserveCapacity(reads.count)
        for ((read, lease), result) in zip(zip(reads, leases), results) {
            do {
                replies.append(try reply(to: read, lease: lease, result.get().array()))
            } catch let error as RedisError where configuration.keys.isCluster && error.code != .deadlineExceeded {
                replies.append(CacheReply(failure: error))
            }
        }
        if let failure = replies.first?.failure, replies.allSatisfy({ $0.failure != nil }) { throw failure }
        return replies
    }

    private func reply(to read: CacheRead, lease: String, _ fields: [RedisValue]) throws -> CacheReply {
        guard fields.count == 5 || fields.count == 7 else { return try mismatch(fields.count) }
        if try fields[4].int() == 1 { passedOver(read.key) }
        let loader: CacheReply.Loader =
            switch try fields[0].string() {
            case "reader": .reader
            case "another": .another
            default: .nobody
            }
        let ticket = CacheTicket(
            epoch: try fields[1].string(), milliseconds: try fields[2].int(), stamp: try fields[3].string(),
            lease: lease)
        guard fields.count == 7 else { return CacheReply(entry: nil, loader: loader, ticket: ticket) }
        let entry = CacheEntry(version: try fields[5].int(), value: try fields[6].bytesIfPresent())
        return CacheReply(entry: entry, loader: loader, ticket: ticket)
    }

    private func mismatch(_ count: Int) throws -> CacheReply {
        throw CacheReplyError(description: "a cache script answered with \(count) fields")
    }

    package func put(_ entry: CacheEntry, at key: CacheKey, by ticket: CacheTicket) async throws -> Bool {
        precondition(entry.version >= 0, "versions are compared as digits without a sign")
        guard entry.value?.count ?? 0 <= configuration.valueBytesMax else { return false }
        let life = entry.value == nil ? configuration.nothingTTL : configuration.timeToLive(of: key.family)
        let fields = try await client.eval(
            RedisCacheScripts.put, keys: configuration.keys.scriptKeys(key),
            args: [
                entry.version, entry.value ?? [], entry.value == nil ? "0" : "1", life.wholeMilliseconds, ticket.epoch,
                ticket.milliseconds, ticket.stamp, ticket.lease, configuration.tombstoneTTL.wholeMilliseconds,
            ], deadline: .after(configuration.timeout)
        ).array()
        guard fields.count == 2 else { return false }
        if try fields[1].int() == 1 { passedOver(key) }
        let isStored = try fields[0].int() == 1
        if !isStored { CacheMetrics.count(.refusedPuts, key.family) }
        return isStored
    }

    package func invalidate(_ invalidations: [CacheInvalidation], deadline: Deadline?) async throws {
        guard !invalidations.isEmpty else { return }
        let plan = tombstones.plan(invalidations)
        let results = try await client.pipeline(plan.commands, deadline: deadline)
        try await tombstones.settle(results[...], of: plan, deadline: deadline)
    }

    private func passedOver(_ key: CacheKey) {
        CacheMetrics.count(.passedOver, key.family)
        logger.warning(
            "cache key was of another type, and is gone", metadata: ["key": "\(configuration.keys.cache(key))"])
    }
}

private struct CacheReplyError: Error, CustomStringConvertible {
    let description: String
}
