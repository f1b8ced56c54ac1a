import ClientSupport
import Logging
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis
import Synchronization
import Testing

/// A cluster whose slots move and whose nodes die, while readers and writers go on.
@Suite(.timeLimit(.minutes(3))) struct RedisClusterFaultTests {
    private static let products = 24

    @Test func nothingStaleIsReadWhileSlotsMoveAndANodeDies() async throws {
        let cluster = try await TestStack.privateRedisCluster(replicas: 1, nodeTimeout: .seconds(1))
        let outcome: Result<Void, any Error>
        do {
            try await withRedisCluster(cluster) { client in
                let flow = try ReadWriteFlow(makeCache(client, configuration), products: Self.products)
                try await flow.run { try await harm(cluster, flow) }
                try await expectRestartToMakeOldWhatIsThere(cluster, client, flow)
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await cluster.stop()
        try outcome.get()
    }

    private var configuration: RedisCacheConfiguration {
        var configuration = RedisCacheConfiguration()
        configuration.keys = RedisKeys(isCluster: true)
        return configuration
    }

    private func slot(_ product: CacheKey) -> Int { RedisSlot.of(RedisKeys(isCluster: true).cache(product)) }

    /// Slots of the first node go to the second, with calls while their keys are on both; then the first dies.
    private func harm(_ cluster: LocalRedisCluster, _ flow: ReadWriteFlow) async throws {
        let (source, target) = (cluster.primaries[0], cluster.primaries[1])
        let moving = flow.keys.filter { slot($0) < RedisSlot.count / 3 }
        try #require(moving.count > 3)
        for key in moving.prefix(3) {
            await flow.untilCalled(key)
            try await cluster.open(slot(key), from: source, to: target)
            await flow.untilCalled(key)
            // The entry or its epoch: a script finds its keys on two nodes.
            try await cluster.moveKeys(of: slot(key), from: source, to: target, atMost: 1)
            await flow.untilCalled(key)
            try await cluster.moveKeys(of: slot(key), from: source, to: target)
            await flow.untilCalled(key)
            try await cluster.close(slot(key), to: target)
            await flow.untilCalled(key)
        }
        let stayed = moving[3]
        await flow.untilCalled(stayed)
        await source.kill()
        // Served by the replica then.
        for _ in 0..<3 { await flow.untilCalled(stayed) }
        for key in flow.keys { await flow.untilCalled(key) }
    }

    /// A node that comes back with what it had shows none of it; the others go on with theirs.
    private func expectRestartToMakeOldWhatIsThere(
        _ cluster: LocalRedisCluster, _ client: RedisClient, _ flow: ReadWriteFlow
    ) async throws {
        let cache = makeCache(client, configuration)
        let third = cluster.primaries[2]
        let (lost, kept) = try (
            #require(flow.keys.first { slot($0) >= RedisSlot.count * 2 / 3 }),
            #require(flow.keys.first { (RedisSlot.count / 3..<RedisSlot.count * 2 / 3).contains(slot($0)) })
        )
        let entry = CacheEntry(version: 1_000_000, value: [1])
        for key in [lost, kept] { #expect(try await cache.put(entry, at: key)) }
        await third.kill()
        try await third.start()
        let name = RedisKeys(isCluster: true).cache(lost)
        try await eventually { try await client.hgetall(name)["value"] == [1] }
        #expect(try await cache.get(lost) == nil)
        try await eventually { try await cache.get(kept) == entry }
    }

    /// Asks again while the cluster is not whole.
    private func eventually(_ condition: () async throws -> Bool) async throws {
        let deadline = Deadline.after(.seconds(60))
        while !deadline.isPast {
            do {
                if try await condition() { return }
            } catch let error as RedisError where error.isUnavailable {}
            await Task.yield()
        }
        Issue.record("the cluster did not come back")
    }
}

/// Readers and writers of the same keys, who know at once what any writer was told. The truth is in memory.
private final class ReadWriteFlow: Sendable {
    private struct Truth {
        var version: Int64 = 1
        var announced: Int64 = 0
        /// Writes that were announced, and reads that were answered.
        var calls = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let keys: [CacheKey]
    private let cache: RedisVersionedCache
    private let truths: Mutex<[Truth]>
    private let isOver = Atomic(false)

    init(_ cache: RedisVersionedCache, products: Int) throws {
        self.cache = cache
        keys = try (0..<products).map { .product(try #require(ProductID("flow-\($0)"))) }
        truths = Mutex(Array(repeating: Truth(), count: products))
    }

    func run(_ harm: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { [self] in while !isOver.load(ordering: .relaxed) { await write() } } }
            for _ in 0..<4 { group.addTask { [self] in while !isOver.load(ordering: .relaxed) { await read() } } }
            group.addTask { [self] in
                defer { isOver.store(true, ordering: .relaxed) }
                try await harm()
            }
            try await group.waitForAll()
        }
    }

    /// Returns when the key has been read or written to twice since.
    func untilCalled(_ key: CacheKey) async {
        guard let place = keys.firstIndex(of: key) else { return }
        for _ in 0..<2 {
            await withCheckedContinuation { continuation in
                truths.withLock { $0[place].waiters.append(continuation) }
            }
        }
    }

    private func write() async {
        let place = Int.random(in: 0..<keys.count)
        let version = truths.withLock { truths in
            truths[place].version += 1
            return truths[place].version
        }
        while !isOver.load(ordering: .relaxed) {
            do {
                try await cache.invalidate([.entry(keys[place], version: version)])
                return called(place) { $0.announced = max($0.announced, version) }
            } catch {
                expectPassing(error)
                await Task.yield()
            }
        }
    }

    private func read() async {
        let place = Int.random(in: 0..<keys.count)
        let announced = truths.withLock { $0[place].announced }
        do {
            let reply = try await cache.get([CacheRead(key: keys[place])])[0]
            if let failure = reply.failure { throw failure }
            if let entry = reply.entry {
                if entry.version < announced {
                    Issue.record("read version \(entry.version) after \(announced) was announced")
                }
            } else if reply.loader == .reader {
                let version = truths.withLock { $0[place].version }
                _ = try await cache.put(CacheEntry(version: version, value: [1]), at: keys[place], by: reply.ticket)
            }
            called(place) { _ in }
        } catch {
            expectPassing(error)
            await Task.yield()
        }
    }

    private func called(_ place: Int, _ change: (inout Truth) -> Void) {
        let waiters = truths.withLock { truths in
            change(&truths[place])
            truths[place].calls += 1
            defer { truths[place].waiters = [] }
            return truths[place].waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func expectPassing(_ error: any Error) {
        if let error = error as? RedisError, error.isUnavailable { return }
        Issue.record("an error that does not pass: \(error)")
    }
}
