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

    private static func product() throws -> ProductID { try #require(ProductID("p-\(RequestID.make())")) }
}
