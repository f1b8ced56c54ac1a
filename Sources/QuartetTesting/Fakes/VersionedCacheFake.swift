package import QuartetCore
import Synchronization

/// A versioned cache in memory. It knows how long its keys are to live, but none goes by itself; ``lose()`` empties it.
package final class FakeVersionedCache: VersionedCache {
    package static let analysisTTL = Duration.seconds(6 * 3600)
    package static let productTTL = Duration.seconds(3600)
    package static let tombstoneTTL = Duration.seconds(600)

    struct Slot {
        let version: Int64
        /// Nil is a tombstone.
        let value: [UInt8]?
        /// Nil: for ever.
        var timeToLive: Duration?
    }

    package enum Call: Sendable, Hashable, CaseIterable {
        case get, put, invalidate
    }

    private let faults = FaultPlan<Call>()
    private let slots = Mutex<[CacheKey: Slot]>([:])

    package init() {}

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package func get(_ key: CacheKey) async throws -> CacheEntry? {
        try faults.run(.get) {
            slots.withLock { slots in
                slots[key].flatMap { slot in slot.value.map { CacheEntry(version: slot.version, value: $0) } }
            }
        }
    }

    package func put(_ entry: CacheEntry, at key: CacheKey) async throws -> Bool {
        try faults.run(.put) {
            slots.withLock { slots in
                if let slot = slots[key], slot.version > entry.version { return false }
                slots[key] = Slot(version: entry.version, value: entry.value, timeToLive: Self.timeToLive(of: key))
                return true
            }
        }
    }

    package func invalidate(_ invalidations: [CacheInvalidation]) async throws {
        try faults.run(.invalidate) {
            slots.withLock { slots in
                for invalidation in invalidations where (slots[invalidation.key]?.version ?? 0) <= invalidation.version
                {
                    slots[invalidation.key] = Slot(
                        version: invalidation.version, value: nil, timeToLive: Self.tombstoneTTL)
                }
            }
        }
    }

    /// Loses everything, as a cache may.
    package func lose() {
        slots.withLock { $0 = [:] }
    }

    // MARK: For ``FakeCacheCheckStore``

    var contents: [CacheKey: Slot] { slots.withLock { $0 } }

    /// - Parameter timeToLive: nil, for ever.
    func setTimeToLive(of key: CacheKey, _ timeToLive: Duration?) {
        slots.withLock { $0[key]?.timeToLive = timeToLive }
    }

    private static func timeToLive(of key: CacheKey) -> Duration {
        switch key {
        case .analysis: analysisTTL
        case .product: productTTL
        }
    }
}
