package import ClientSupport

/// A cache whose entries carry versions, so that a slow reader can't put an old value back.
///
/// A tombstone takes the place of a removed entry for a while: puts of what is older than it are refused. A put names the
/// ticket that its reader got before it read: one from before the oldest tombstone, or from before the cache lost its
/// memory or another server took its place, is refused too.
package protocol VersionedCache: Sendable {
    /// A good entry, where one plain look shows it; nil leaves it to ``get(_:)``.
    func hit(_ read: CacheRead) async throws -> CacheReply?

    /// What the cache has, in the order of the reads.
    func get(_ reads: [CacheRead]) async throws -> [CacheReply]

    /// Stores `entry` unless the key has a newer version or tombstone, its tag was touched since, or the ticket is too old;
    /// returns whether it was stored. Gives the ticket's lease back.
    func put(_ entry: CacheEntry, at key: CacheKey, by ticket: CacheTicket) async throws -> Bool

    /// Leaves tombstones in place of older entries, and touches tags.
    ///
    /// - Parameter deadline: nil leaves it to the store's own patience.
    func invalidate(_ invalidations: [CacheInvalidation], deadline: Deadline?) async throws
}

extension VersionedCache {
    package func hit(_ read: CacheRead) async throws -> CacheReply? { nil }

    package func invalidate(_ invalidations: [CacheInvalidation]) async throws {
        try await invalidate(invalidations, deadline: nil)
    }

    /// The entry at a key, for whoever will not load it.
    package func get(_ key: CacheKey) async throws -> CacheEntry? {
        let read = CacheRead(key: key, wantsLease: false)
        if let reply = try await hit(read) { return reply.entry }
        return try await get([read])[0].entry
    }
}
