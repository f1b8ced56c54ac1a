import AsyncHTTPClient
import Catalog
import ClientSupport
import Foundation
import Logging
import NIOCore
import QuartetAPI
import QuartetCore
import QuartetService
package import QuartetStack
import QuartetStores
import Redis

/// Looks for reads that are older than what was announced: through two copies of the API while what carries invalidations is
/// paused, killed and brought back, and beside plain cache-aside.
package struct StaleBench {
    package struct Sizes: Sendable {
        package var writes = 20_000
        package var products = 1_000
        package var writers = 8
        package var readers = 24
        package var visible = 200

        package init() {}
    }

    private static let key = "bench"

    private let stack: LocalStack
    private let sizes: Sizes
    private let say: @Sendable (String) -> Void
    private let stores: BenchStores
    private let bound: Duration
    private let client: HTTPClient

    /// - Parameter say: told what is being measured, for people.
    package init(stack: LocalStack, sizes: Sizes, say: @escaping @Sendable (String) -> Void) throws {
        self.stack = stack
        self.sizes = sizes
        self.say = say
        stores = try BenchStores(on: stack)
        bound = stores.configuration.api.cache.delayMax
        client = HTTPClient.shared
    }

    package func run() async throws -> StaleFigures { try await stores.closing { try await measure() } }

    private func measure() async throws -> StaleFigures {
        say("preparing \(sizes.products) products")
        try await stores.migrate()
        let store = try PostgresProductStore(databases: stores.clients.databases)
        for start in stride(from: 0, to: sizes.products, by: 500) {
            _ = try await store.put(
                (start..<min(start + 500, sizes.products)).map { (BenchData.product($0), "product \($0)") })
        }
        let ports = [try freePort(), try freePort()]
        let roles = try StaleRoles(stack: stack, ports: ports, key: Self.key)
        do {
            for (process, port) in zip(roles.copies, ports) { try await process.untilServing(port: port) }
            let subject = HTTPSubject(ports: ports, key: Self.key, client: client)
            try await untilCached(subject)
            say("how long changes stay invisible")
            let invisible = try await measureVisibility(ports: ports, roles: roles, store: store)
            say("\(sizes.writes) writes beside readers, with faults")
            let underFaults = try await hammer.run(subject, writes: sizes.writes) { [sizes, stack] written in
                async let told: Void = tell(written)
                try await roles.harm(stack: stack, writes: sizes.writes, written: written)
                try await told
            }
            await roles.stop()
            say("the same calls without HTTP and faults, and plain cache-aside")
            let (cached, plain) = try await compare(store, hammer, writes: min(max(1_000, sizes.writes / 4), 5_000))
            say("both at the same rate")
            let paced = try await compare(store, pacedHammer, writes: 600)
            return StaleFigures(
                broker: stack.kafka.summary, boundSeconds: bound.seconds,
                underFaults: figures(underFaults, queries: nil), invisible: invisible,
                cachedReads: cached, plainCacheAside: plain, cachedReadsPaced: paced.cached,
                plainCacheAsidePaced: paced.plain)
        } catch {
            await roles.stop()
            throw error
        }
    }

    /// Says at each tenth how far it is.
    private func tell(_ written: @Sendable () -> Int) async throws {
        for tenth in 1..<10 {
            while written() * 10 < sizes.writes * tenth {
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(200)))
            }
            say("\(written()) of \(sizes.writes) writes")
        }
    }

    private var hammer: StaleHammer {
        StaleHammer(products: sizes.products, writers: sizes.writers, readers: sizes.readers, bound: bound)
    }

    /// 2,400 reads and 100 writes a second, of as many callers.
    private var pacedHammer: StaleHammer {
        var hammer = hammer
        hammer.pace = (.seconds(1) * sizes.readers / 2_400, .seconds(1) * sizes.writers / 100)
        return hammer
    }

    /// Invalidations flow once the consumer has joined its group.
    private func untilCached(_ subject: HTTPSubject) async throws {
        let deadline = Deadline.after(.seconds(60))
        while try await !subject.read(BenchData.product(0)).isHit {
            guard !deadline.isPast else { throw BenchError("the cache is not read") }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(100)))
        }
    }

    // MARK: Parts

    private func measureVisibility(
        ports: [Int], roles: StaleRoles, store: PostgresProductStore
    ) async throws -> StaleFigures.Visibility {
        let writer = HTTPSubject(ports: [ports[0]], key: Self.key, client: client)
        let reader = HTTPSubject(ports: [ports[1]], key: Self.key, client: client)
        let count = sizes.visible
        let both = try await visibility(count, reader) { try await writer.write($0, name: $1) }
        roles.pauseInvalidators()
        // Few enough that the cache is believed meanwhile.
        let hint = try await visibility(min(count, 100), reader) { try await writer.write($0, name: $1) }
        roles.resumeInvalidators()
        try await untilCached(reader)
        let events = try await visibility(count, reader) { try await store.put([($0, $1)])[0].version }
        return StaleFigures.Visibility(
            hintAndEventsMilliseconds: both.summary, hintAloneMilliseconds: hint.summary,
            eventsAloneMilliseconds: events.summary)
    }

    private func visibility(
        _ count: Int, _ reader: HTTPSubject, write: (ProductID, String) async throws -> Int64
    ) async throws -> Latencies {
        var latencies = Latencies()
        for number in 0..<count {
            let product = BenchData.product(number % sizes.products)
            for _ in 0..<2 { _ = try await reader.read(product) }
            let began = ContinuousClock.now
            let version = try await write(product, "visible \(number)-\(UInt32.random(in: 0...UInt32.max))")
            while try await reader.read(product).version < version {}
            latencies.add(began.duration(to: .now))
        }
        return latencies
    }

    private func compare(
        _ store: PostgresProductStore, _ hammer: StaleHammer, writes: Int
    ) async throws -> (cached: StaleFigures.Hammer, plain: StaleFigures.Hammer) {
        let redis = stores.clients.redis
        let cache = RedisVersionedCache(client: redis, configuration: stores.configuration.redis.cache)
        let flow = FlowMonitor(flow: nil, delayMax: bound, logger: stores.logger)
        var outcomes: [StaleFigures.Hammer] = []
        for isPlain in [false, true] {
            let queries = QueryCount()
            let outcome: StaleHammer.Outcome
            let warming: Int
            if isPlain {
                let subject = PlainSubject(store: store, client: redis, queries: queries)
                warming = try await warm(subject, queries)
                outcome = try await hammer.run(subject, writes: writes)
            } else {
                let reads = CachedReads(
                    cache: cache, flow: flow, configuration: stores.configuration.api.cache, observe: nil)
                let subject = LibrarySubject(store: store, cache: cache, reads: reads, queries: queries)
                warming = try await warm(subject, queries)
                outcome = try await hammer.run(subject, writes: writes)
            }
            outcomes.append(figures(outcome, queries: queries.value - warming))
        }
        return (outcomes[0], outcomes[1])
    }

    /// Reads everything once: what is compared is not how fast an empty cache fills. Returns the queries that took.
    private func warm(_ subject: some StaleSubject, _ queries: QueryCount) async throws -> Int {
        for number in 0..<sizes.products { _ = try await subject.read(BenchData.product(number)) }
        return queries.value
    }

    /// - Parameter queries: nil: every read that was no hit.
    private func figures(_ outcome: StaleHammer.Outcome, queries: Int?) -> StaleFigures.Hammer {
        let seconds = outcome.duration.seconds
        let share = Double(outcome.hits) / Double(max(1, outcome.reads))
        return StaleFigures.Hammer(
            reads: outcome.reads, writes: outcome.writes, refused: outcome.refused,
            olderThanAnnounced: outcome.stale, oldestSeconds: (outcome.oldest.seconds * 1000).rounded() / 1000,
            olderThanBound: outcome.beyondBound, hitShare: (share * 1000).rounded() / 1000,
            queriesPerMinute: Int(Double(queries ?? outcome.reads - outcome.hits) / seconds * 60),
            readMilliseconds: outcome.latencies.summary, readsPerSecond: Int(Double(outcome.reads) / seconds))
    }
}
