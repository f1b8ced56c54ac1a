package import ClientSupport
package import QuartetCore

/// Reads through the cache.
///
/// A reader takes nothing that was asked for before it came: it looks for itself, and who finds nothing so shares a batch that
/// is sent afterwards, and looks again when another's load may be done. What is loaded goes through the batchers of the store,
/// of which each has one batch on the way.
package final class CachedReads: Sendable {
    private let cache: any VersionedCache
    private let gets: Batcher<CacheRead, CacheReply>
    private let breaker: CacheBreaker
    private let flow: FlowMonitor
    private let configuration: CacheReadConfiguration

    package init(
        cache: any VersionedCache, flow: FlowMonitor, configuration: CacheReadConfiguration,
        observe: (@Sendable (BatchReport) -> Void)?
    ) {
        self.cache = cache
        self.flow = flow
        self.configuration = configuration
        breaker = CacheBreaker(failuresMax: configuration.failuresMax, pause: configuration.breakerPause)
        gets = Batcher(
            name: "cache.get", limits: .init(batchSizeMax: 256, waitingMax: configuration.waitingMax, inFlightMax: 32),
            observe: observe
        ) { reads in
            try await Self.shared(reads) { try await cache.get($0) }.map { .success($0) }
        }
    }

    package typealias Load = @Sendable () async throws -> CacheEntry?

    /// What is at `key`, from the cache or by `load`, which gives nil where there is nothing.
    package func read(
        _ key: CacheKey, _ demand: CacheDemand = CacheDemand(), load: @escaping Load
    ) async throws -> (entry: CacheEntry?, status: CacheStatus) {
        switch breaker.verdict() {
        case .use: break
        case .probe:
            Task { _ = try? await look(CacheRead(key: key, wantsLease: false)) }
            fallthrough
        case .bypass: return try await bypass(key, .unavailable, load)
        }
        guard flow.isTrusted(key.family.topic) else { return try await bypass(key, .behind, load) }
        var wait = configuration.firstWait
        let deadline = Deadline.after(configuration.waitMax)
        while true {
            let reply: CacheReply
            do {
                reply = try await look(read(key, demand))
            } catch is any StoreFailure {
                return try await bypass(key, .unavailable, load)
            }
            if demand.wantsFresh {
                let loaded = try await loaded(key, reply.ticket, load)
                return (loaded.entry, .request(isStored: loaded.isStored))
            }
            if let entry = reply.entry {
                CacheMetrics.count(.hits, key.family)
                if reply.loader == .reader { refresh(key, reply.ticket, load) }
                return (entry.value == nil ? nil : entry, .hit)
            }
            guard reply.loader == .another else {
                CacheMetrics.count(.misses, key.family)
                let loaded = try await loaded(key, reply.ticket, load)
                return (loaded.entry, .miss(isStored: loaded.isStored))
            }
            guard !deadline.isPast else { return try await bypass(key, .busy, load) }
            CacheMetrics.count(.waits, key.family)
            try await ContinuousClock().sleep(until: .now + wait)
            wait = min(wait * 2, configuration.longestWait)
        }
    }

    private func read(_ key: CacheKey, _ demand: CacheDemand) -> CacheRead {
        guard !demand.wantsFresh else { return CacheRead(key: key, wantsLease: false) }
        return CacheRead(
            key: key, versionMin: demand.versionMin, earliness: configuration.earliness(Double.random(in: 0..<1)))
    }

    private func look(_ read: CacheRead) async throws -> CacheReply {
        let reply: CacheReply
        do {
            if let hit = try await cache.hit(read) { reply = hit } else { reply = try await gets(read) }
        } catch {
            if !(error is CancellationError) { breaker.failed() }
            throw error
        }
        // A part that is away says so at once, and is no reason to do without the others.
        if let failure = reply.failure { throw failure }
        breaker.succeeded()
        return reply
    }

    private func bypass(
        _ key: CacheKey, _ reason: CacheStatus.Reason, _ load: Load
    ) async throws -> (entry: CacheEntry?, status: CacheStatus) {
        CacheMetrics.count(.bypasses, key.family)
        return (try await load(), .bypass(reason))
    }

    private func loaded(
        _ key: CacheKey, _ ticket: CacheTicket, _ load: Load
    ) async throws -> (entry: CacheEntry?, isStored: Bool) {
        CacheMetrics.count(.loads, key.family)
        let entry = try await load()
        do {
            let isStored = try await cache.put(entry ?? .nothing, at: key, by: ticket)
            Failpoint.cacheFilled.reached()
            return (entry, isStored)
        } catch {
            if !(error is CancellationError) { breaker.failed() }
            return (entry, false)
        }
    }

    /// Beside the reader, who has an entry that is good for a while.
    private func refresh(_ key: CacheKey, _ ticket: CacheTicket, _ load: @escaping Load) {
        CacheMetrics.count(.refreshes, key.family)
        Task { [self] in _ = try? await loaded(key, ticket, load) }
    }

    /// Looks once for those who look for the same: one of them may have to load it, the others wait for that.
    private static func shared(
        _ reads: [CacheRead], _ get: ([CacheRead]) async throws -> [CacheReply]
    ) async throws -> [CacheReply] {
        struct Look: Hashable {
            let key: CacheKey
            let versionMin: Int64
            let wantsLease: Bool
        }
        var places: [Look: Int] = [:]
        var distinct: [CacheRead] = []
        let looks = reads.map { read in
            let look = Look(key: read.key, versionMin: read.versionMin, wantsLease: read.wantsLease)
            if let place = places[look] { return place }
            places[look] = distinct.count
            distinct.append(read)
            return distinct.count - 1
        }
        let replies = try await get(distinct)
        var isLoading = Set<Int>()
        return looks.map { place in
            let reply = replies[place]
            guard reply.loader == .reader, !isLoading.insert(place).inserted else { return reply }
            return CacheReply(entry: reply.entry, loader: reply.entry == nil ? .another : .nobody, ticket: reply.ticket)
        }
    }
}
