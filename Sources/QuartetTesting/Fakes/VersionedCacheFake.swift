package import QuartetCore
import Synchronization

/// A versioned cache in memory. Nothing in it expires by itself; ``lose()`` empties it.
package final class FakeVersionedCache: VersionedCache {
    private struct Slot {
        let version: Int64
        /// Nil is a tombstone.
        let value: [UInt8]?
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
                slots[key] = Slot(version: entry.version, value: entry.value)
                return true
            }
        }
    }

    package func invalidate(_ invalidations: [CacheInvalidation]) async throws {
        try faults.run(.invalidate) {
            slots.withLock { slots in
                for invalidation in invalidations where (slots[invalidation.key]?.version ?? 0) <= invalidation.version
                {
                    slots[invalidation.key] = Slot(version: invalidation.version, value: nil)
                }
            }
        }
    }

    /// Loses everything, as a cache may.
    package func lose() {
        slots.withLock { $0 = [:] }
    }
}
