package import QuartetCore

/// Removes cache entries when events say that what they were made from has changed.
package struct InvalidationHandler: EventHandler {
    package static let name = "invalidate"
    package static let topics = EventTopic.allCases.filter { topic in CacheFamily.all.contains { $0.topic == topic } }

    package var name: String { Self.name }
    package var topics: [EventTopic] { Self.topics }
    package let wantsNewestOnly = true
    private let cache: any VersionedCache

    package init(cache: any VersionedCache) {
        self.cache = cache
    }

    package func change(for event: DomainEvent) throws(EventDecodingError) -> [CacheInvalidation]? {
        let invalidations = try CacheFamily.invalidations(by: event)
        return invalidations.isEmpty ? nil : invalidations
    }

    package func apply(_ changes: [[CacheInvalidation]]) async throws {
        // Many analyses may be of one product.
        try await cache.invalidate(CacheInvalidation.merged(changes.flatMap { $0 }))
        Failpoint.cacheInvalidated.reached()
    }
}
