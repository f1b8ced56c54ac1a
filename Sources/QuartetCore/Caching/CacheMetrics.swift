import CoreMetrics
import Metrics

/// Every metric of the caches, in one place.
package enum CacheMetrics {
    package enum Event: String, Sendable, CaseIterable {
        case hits, misses, loads, waits, refreshes, bypasses, tombstones
        /// Old entries that callers allowed.
        case stale
        /// Puts that came too late or were older than what is there.
        case refusedPuts = "refused_puts"
        /// Hints that did not reach the cache before the change was announced.
        case lateHints = "late_hints"
        /// Keys that could not be written to, or were of another type.
        case passedOver = "passed_over"
    }

    private struct Place: Hashable {
        let event: Event
        let family: String
    }

    private static let counters = Dictionary(
        uniqueKeysWithValues: Event.allCases.flatMap { event in
            (CacheFamily.all.map(\.name) + [tagged]).map { family in
                (
                    Place(event: event, family: family),
                    Counter(label: "quartet_cache_\(event.rawValue)_total", dimensions: [("family", family)])
                )
            }
        })
    private static let breaker = Gauge(label: "quartet_cache_breaker_open")
    /// Stands for the families of a tag.
    private static let tagged = "tag"

    package static func count(_ event: Event, _ family: CacheFamily, by amount: Int = 1) {
        counters[Place(event: event, family: family.name)]?.increment(by: amount)
    }

    package static func count(_ event: Event, _ invalidation: CacheInvalidation) {
        switch invalidation {
        case .entry(let key, _): count(event, key.family)
        case .tag: counters[Place(event: event, family: tagged)]?.increment()
        }
    }

    package static func breaker(isOpen: Bool) { breaker.record(isOpen ? 1 : 0) }
}
