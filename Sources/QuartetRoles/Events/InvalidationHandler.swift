package import QuartetCore

/// Removes cache entries when events say that what they were made from has changed.
package struct InvalidationHandler: EventHandler {
    package static let name = "invalidate"
    package static let topics = [EventTopic.analysis, .product]

    package var name: String { Self.name }
    package var topics: [EventTopic] { Self.topics }
    package let wantsNewestOnly = true
    private let cache: any VersionedCache

    package init(cache: any VersionedCache) {
        self.cache = cache
    }

    package func change(for event: DomainEvent) throws(EventDecodingError) -> CacheInvalidation? {
        switch event.type {
        case .analysisCompleted:
            let payload = try event.payload(as: CompletionPayload.self)
            return CacheInvalidation(key: .analysis(payload.productID), version: payload.resultVersion)
        case .productUpdated:
            guard let id = ProductID(event.aggregateID) else {
                throw EventDecodingError(reason: "the subject is no product's id")
            }
            return CacheInvalidation(key: .product(id), version: event.version)
        default: return nil
        }
    }

    package func apply(_ invalidations: [CacheInvalidation]) async throws {
        // Many analyses may be of one product.
        let newest = Dictionary(invalidations.map { ($0.key, $0.version) }, uniquingKeysWith: max)
        try await cache.invalidate(newest.map { CacheInvalidation(key: $0, version: $1) })
        Failpoint.cacheInvalidated.reached()
    }
}
