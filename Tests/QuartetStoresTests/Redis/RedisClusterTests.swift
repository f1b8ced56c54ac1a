import Foundation
import Logging
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis
import Testing

/// The stores on a cluster of three.
@Suite(.timeLimit(.minutes(2))) struct RedisClusterTests {
    private let keys = RedisKeys(prefix: TestStack.uniqueName("cluster") + ":", isCluster: true)

    private var cacheConfiguration: RedisCacheConfiguration {
        var configuration = RedisCacheConfiguration()
        configuration.keys = keys
        return configuration
    }

    private func makeBoard(_ client: RedisClient) -> RedisProgressBoard {
        var configuration = RedisProgressConfiguration()
        configuration.keys = keys
        return RedisProgressBoard(
            client: client, configuration: configuration, cache: cacheConfiguration, logger: Logger(label: "test"))
    }

    @Test(arguments: VersionedCacheConformance.behaviours)
    func theCacheConforms(_ behaviour: Conformance<any VersionedCache>) async throws {
        try await withRedisCluster { try await behaviour.check(makeCache($0, cacheConfiguration)) }
    }

    @Test(arguments: ProgressBoardConformance.behaviours)
    func theBoardConforms(_ behaviour: Conformance<any ProgressBoard>) async throws {
        try await withRedisCluster { try await behaviour.check(makeBoard($0)) }
    }

    @Test(arguments: AgingCacheStoreConformance.behaviours)
    func theAgingCacheConforms(_ behaviour: Conformance<any AgingCacheStore>) async throws {
        try await withRedisCluster {
            try await behaviour.check(RedisAgingCache(client: $0, keys: keys, timeout: .seconds(60)))
        }
    }

    /// Many entries and reports of one call are on all nodes.
    @Test func callsOfManyKeysReachEveryNode() async throws {
        try await withRedisCluster { client in
            let cache = makeCache(client, cacheConfiguration)
            let products = try (0..<40).map { try #require(ProductID("p\($0)")) }
            for product in products {
                #expect(try await cache.put(CacheEntry(version: 1, value: [1]), at: .product(product)))
            }
            let reports = (0..<40).map { _ in Progress(requestID: .make(), done: 1, total: 1, phase: .completed) }
            let board = makeBoard(client)
            try await board.report(
                reports, invalidating: products.map { .entry(.product($0), version: 2) } + [.tag(.products)])
            #expect(try await board.read(reports.map(\.requestID)) == reports)
            let replies = try await cache.get(products.map { CacheRead(key: .product($0), wantsLease: false) })
            #expect(replies.allSatisfy { $0.entry == nil && $0.failure == nil })

            let names = Set(products.map { keys.cache(.product($0)) })
            var found: Set<String> = []
            for try await page in client.scan(matching: keys.prefix + "product_cache:*") {
                found.formUnion(page.map { String(decoding: $0, as: UTF8.self) })
            }
            #expect(found == names)
            var perNode: [Int] = []
            for node in try await client.primaries() {
                var count = 0
                for try await page in node.scan(matching: keys.prefix + "product_cache:*") { count += page.count }
                perNode.append(count)
            }
            #expect(perNode.count == 3 && perNode.allSatisfy { $0 > 0 } && perNode.reduce(0, +) == names.count)
            #expect(try await client.del(Array(names)) == names.count)
            #expect(try await client.mget(Array(names)).allSatisfy { $0 == nil })
        }
    }

    /// What is published at one node is heard at the others, and readiness asks them all.
    @Test func whoeverSubscribesAnywhereHears() async throws {
        try await withRedisCluster { client in
            try await client.ping()
            #expect(try await client.clusterState().slotsServed == RedisSlot.count)
            for (place, node) in try await client.primaries().enumerated() {
                var events = client.subscribe("\(keys.prefix)channel-\(place)").makeAsyncIterator()
                #expect(try await events.next() == .subscribed)
                try await node.publish("hello", to: "\(keys.prefix)channel-\(place)")
                var event = try await events.next()
                // It may go from the node that it was told of to one that the cluster names.
                while event == .messagesMissed {
                    try await node.publish("hello", to: "\(keys.prefix)channel-\(place)")
                    event = try await events.next()
                }
                #expect(event == .message(Array("hello".utf8)))
            }
        }
    }
}
