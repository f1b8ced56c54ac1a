package import QuartetCore
import Testing

/// What every ``VersionedCache`` does.
package enum VersionedCacheConformance {
    package static let behaviours: [Conformance<any VersionedCache>] = [
        Conformance("entries are read as put", readsEntries),
        Conformance("an older entry is refused", refusesOlder),
        Conformance("a slow reader can't put back what was invalidated", tombstoneRefusesOlder),
        Conformance("an invalidation that comes late keeps the newer entry", lateInvalidation),
        Conformance("an invalidation counts where there is no entry yet", invalidatesAbsent),
        Conformance("versions are compared exactly", versionsAreExact),
        Conformance("an invalidation keeps the entry that the change itself made", keepsItsOwnEntry),
        Conformance("a put from before the oldest tombstone is refused", refusesLatePuts),
        Conformance("a put by a ticket of another memory is refused", refusesOtherEpochs),
        Conformance("one reader loads what is missing, the others wait", oneLoads),
        Conformance("who asks for a version gets none that is older", versionMin),
        Conformance("that there is nothing is remembered until there is something", nothing),
        Conformance("a tag that is touched takes its entries with it, also those on their way", tags),
        Conformance("whoever allows it is shown what was there while another loads", older),
        Conformance("an entry is loaded anew before it expires, by one reader", earlyRefresh),
    ]

    private static func readsEntries(_ cache: any VersionedCache) async throws {
        let product = try product()
        #expect(try await cache.get(.analysis(product)) == nil)
        let entry = CacheEntry(version: 7, value: Array(#"{"name":"좋아요"}"#.utf8) + [0, 255])
        #expect(try await cache.put(entry, at: .analysis(product)))
        #expect(try await cache.get(.analysis(product)) == entry)
        #expect(try await cache.get(.product(product)) == nil)
        let empty = CacheEntry(version: 0, value: [])
        #expect(try await cache.put(empty, at: .product(product)))
        #expect(try await cache.get(.product(product)) == empty)
    }

    private static func refusesOlder(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        #expect(try await cache.put(CacheEntry(version: 9, value: [9]), at: key))
        #expect(try await cache.put(CacheEntry(version: 8, value: [8]), at: key) == false)
        #expect(try await cache.get(key) == CacheEntry(version: 9, value: [9]))
        #expect(try await cache.put(CacheEntry(version: 9, value: [99]), at: key))
        #expect(try await cache.put(CacheEntry(version: 10, value: [10]), at: key))
        #expect(try await cache.get(key) == CacheEntry(version: 10, value: [10]))
    }

    private static func tombstoneRefusesOlder(_ cache: any VersionedCache) async throws {
        let product = try product()
        let key = CacheKey.analysis(product)
        let old = CacheEntry(version: 1, value: [1])
        #expect(try await cache.put(old, at: key))
        try await cache.invalidate([CacheInvalidation(key: key, version: 2)])
        #expect(try await cache.get(key) == nil)
        #expect(try await cache.put(old, at: key) == false)
        #expect(try await cache.get(key) == nil)
        // What was made from the change that invalidated it is welcome.
        let new = CacheEntry(version: 2, value: [2])
        #expect(try await cache.put(new, at: key))
        #expect(try await cache.get(key) == new)
    }

    private static func lateInvalidation(_ cache: any VersionedCache) async throws {
        let keys = [CacheKey.analysis(try product()), .product(try product())]
        let entry = CacheEntry(version: 5, value: [5])
        for key in keys { #expect(try await cache.put(entry, at: key)) }
        try await cache.invalidate(keys.map { CacheInvalidation(key: $0, version: 4) })
        for key in keys { #expect(try await cache.get(key) == entry) }
        try await cache.invalidate([CacheInvalidation(key: keys[0], version: 6)])
        try await cache.invalidate([CacheInvalidation(key: keys[0], version: 3)])
        #expect(try await cache.put(entry, at: keys[0]) == false)
        #expect(try await cache.get(keys[1]) == entry)
    }

    private static func invalidatesAbsent(_ cache: any VersionedCache) async throws {
        let key = CacheKey.analysis(try product())
        try await cache.invalidate([])
        try await cache.invalidate([CacheInvalidation(key: key, version: 3)])
        #expect(try await cache.put(CacheEntry(version: 2, value: [2]), at: key) == false)
        #expect(try await cache.get(key) == nil)
    }

    /// LocalSubscribers beyond 2^53, which are the same as floating-point numbers, and numbers of different lengths.
    private static func versionsAreExact(_ cache: any VersionedCache) async throws {
        let key = CacheKey.analysis(try product())
        let large = Int64.max - 1
        #expect(try await cache.put(CacheEntry(version: 99, value: []), at: key))
        #expect(try await cache.put(CacheEntry(version: 100, value: []), at: key))
        #expect(try await cache.put(CacheEntry(version: large, value: []), at: key))
        #expect(try await cache.put(CacheEntry(version: large - 1, value: []), at: key) == false)
        #expect(try await cache.put(CacheEntry(version: large + 1, value: [1]), at: key))
        #expect(try await cache.get(key) == CacheEntry(version: .max, value: [1]))
        try await cache.invalidate([CacheInvalidation(key: key, version: large)])
        #expect(try await cache.get(key) == CacheEntry(version: .max, value: [1]))
    }

    private static func keepsItsOwnEntry(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        let entry = CacheEntry(version: 3, value: [3])
        #expect(try await cache.put(entry, at: key))
        try await cache.invalidate([.entry(key, version: 3)])
        #expect(try await cache.get(key) == entry)
    }

    private static func refusesLatePuts(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        let ticket = try await read(key, cache).ticket
        let entry = CacheEntry(version: 1, value: [1])
        #expect(try await cache.put(entry, at: key, by: ticket.aged(by: .seconds(601))) == false)
        #expect(try await cache.get(key) == nil)
        #expect(try await cache.put(entry, at: key, by: ticket.aged(by: .seconds(500))))
        #expect(try await cache.get(key) == entry)
    }

    private static func refusesOtherEpochs(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        let ticket = try await read(key, cache).ticket
        let other = CacheTicket(
            epoch: ticket.epoch + "x", milliseconds: ticket.milliseconds, stamp: ticket.stamp, lease: ticket.lease)
        #expect(try await cache.put(CacheEntry(version: 1, value: [1]), at: key, by: other) == false)
        #expect(try await cache.get(key) == nil)
    }

    private static func oneLoads(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        let first = try await read(key, cache)
        #expect(first.loader == .reader && first.entry == nil)
        #expect(try await read(key, cache).loader == .another)
        // Whoever does not want to load it is not told to wait.
        #expect(try await cache.get([CacheRead(key: key, wantsLease: false)])[0].loader == .nobody)
        let entry = CacheEntry(version: 1, value: [1])
        #expect(try await cache.put(entry, at: key, by: first.ticket))
        let next = try await read(key, cache)
        #expect(next.loader == .nobody && next.entry == entry)
        // A put that is refused gives the lease back too.
        try await cache.invalidate([.entry(key, version: 3)])
        let second = try await read(key, cache)
        #expect(second.loader == .reader)
        #expect(try await cache.put(entry, at: key, by: second.ticket) == false)
        #expect(try await read(key, cache).loader == .reader)
    }

    private static func versionMin(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        #expect(try await cache.put(CacheEntry(version: 9, value: [9]), at: key))
        let newer = try await cache.get([CacheRead(key: key, versionMin: 10)])[0]
        #expect(newer.entry == nil && newer.loader == .reader)
        #expect(try await cache.get([CacheRead(key: key, versionMin: 9)])[0].entry?.version == 9)
    }

    private static func nothing(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        let ticket = try await read(key, cache).ticket
        #expect(try await cache.put(.nothing, at: key, by: ticket))
        #expect(try await read(key, cache).entry == .nothing)
        try await cache.invalidate([.entry(key, version: 1)])
        #expect(try await cache.get(key) == nil)
        #expect(try await cache.put(.nothing, at: key) == false)
        #expect(try await cache.put(CacheEntry(version: 1, value: [1]), at: key))
        #expect(try await cache.get(key)?.value == [1])
    }

    private static func tags(_ cache: any VersionedCache) async throws {
        let key = CacheKey.productPage(after: try product(), limit: 10)
        let entry = CacheEntry(version: 0, value: [1])
        let early = try await read(key, cache).ticket
        try await cache.invalidate([.tag(.products)])
        #expect(try await cache.put(entry, at: key, by: early) == false)
        #expect(try await cache.put(entry, at: key))
        // Other tests may touch the tag in between.
        while try await cache.get(key) != entry { _ = try await cache.put(entry, at: key) }
        try await cache.invalidate([.tag(.products)])
        #expect(try await cache.get(key) == nil)
    }

    private static func older(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        let entry = CacheEntry(version: 3, value: [3])
        func look(_ staleMax: Duration, versionMin: Int64 = 0) async throws -> CacheReply {
            try await cache.get([CacheRead(key: key, versionMin: versionMin, staleMax: staleMax)])[0]
        }
        #expect(try await cache.put(entry, at: key))
        try await cache.invalidate([.entry(key, version: 4)])
        let ticket = try await look(.zero).ticket
        let allowed = try await look(.seconds(600))
        #expect(allowed.entry == nil && allowed.older?.entry == entry && allowed.loader == .another)
        #expect(allowed.older.map { (.zero...Duration.seconds(600)).contains($0.age) } == true)
        #expect(try await look(.zero).older == nil)
        #expect(try await look(.seconds(600), versionMin: 4).older == nil)
        try await cache.invalidate([.entry(key, version: 5)])
        #expect(try await look(.seconds(600)).older?.entry == entry)
        #expect(try await cache.put(CacheEntry(version: 5, value: [5]), at: key, by: ticket))
        #expect(try await look(.seconds(600)).entry?.version == 5)
        // What is known of a list is only when it was loaded.
        let page = CacheKey.productPage(after: try product(), limit: 10)
        while try await cache.get(page) == nil { _ = try await cache.put(entry, at: page) }
        try await cache.invalidate([.tag(.products)])
        #expect(try await read(page, cache).loader == .reader)
        let list = CacheRead(key: page, staleMax: .seconds(600))
        #expect(try await cache.get([list])[0].older?.entry == entry)
    }

    private static func earlyRefresh(_ cache: any VersionedCache) async throws {
        let key = CacheKey.product(try product())
        let entry = CacheEntry(version: 1, value: [1])
        #expect(try await cache.put(entry, at: key))
        #expect(try await read(key, cache).loader == .nobody)
        let early = try await cache.get([CacheRead(key: key, earliness: .infinity)])[0]
        #expect(early.loader == .reader && early.entry == entry)
        let other = try await cache.get([CacheRead(key: key, earliness: .infinity)])[0]
        #expect(other.loader == .nobody && other.entry == entry)
    }

    private static func read(_ key: CacheKey, _ cache: any VersionedCache) async throws -> CacheReply {
        try await cache.get([CacheRead(key: key)])[0]
    }

    private static func product() throws -> ProductID { try #require(ProductID("p-\(RequestID.make())")) }
}

extension CacheTicket {
    /// As if it had been got earlier.
    package func aged(by time: Duration) -> CacheTicket {
        CacheTicket(
            epoch: epoch, milliseconds: milliseconds - time.components.seconds * 1000, stamp: stamp, lease: lease)
    }
}
