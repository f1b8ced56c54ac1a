/// A cache whose entries carry versions, so that a slow reader can't put an old value back.
///
/// A tombstone takes the place of a removed entry for a while: puts of what is older than it are refused.
package protocol VersionedCache: Sendable {
    func get(_ key: CacheKey) async throws -> CacheEntry?

    /// Stores `entry` unless the key has a newer version or tombstone; returns whether it was stored.
    func put(_ entry: CacheEntry, at key: CacheKey) async throws -> Bool

    /// Leaves tombstones in place of entries that are not newer than `version`.
    func invalidate(_ invalidations: [CacheInvalidation]) async throws
}

/// The key of a cache entry; each family has its own time to live.
package enum CacheKey: Sendable, Hashable {
    /// A product's latest result.
    case analysis(ProductID)
    case product(ProductID)
}

package struct CacheEntry: Sendable, Hashable {
    package let version: Int64
    /// UTF-8 JSON.
    package let value: [UInt8]

    package init(version: Int64, value: [UInt8]) {
        self.version = version
        self.value = value
    }
}

package struct CacheInvalidation: Sendable, Hashable {
    package let key: CacheKey
    package let version: Int64

    package init(key: CacheKey, version: Int64) {
        self.key = key
        self.version = version
    }
}
