/// A kind of cache entries, declared once: keys, times to live, invalidation, checks, metrics and configuration keys come
/// from the table below.
package struct CacheFamily: Sendable, Hashable, CustomStringConvertible {
    /// Before the braces of each key.
    package let name: String
    /// Unless configured otherwise.
    package let timeToLive: Duration
    /// Whose events invalidate it.
    package let topic: EventTopic
    /// An entry goes when this is touched. Such entries have no version of their own.
    package let tag: CacheTag?
    /// The statement of the checker's that gives the versions of the rows behind entries, by the keys' ids.
    package let rowStatement: String?
    private let invalidation: @Sendable (DomainEvent) throws(EventDecodingError) -> CacheInvalidation?

    private init(
        _ name: String, timeToLive: Duration, topic: EventTopic, tag: CacheTag? = nil, rowStatement: String? = nil,
        invalidation: @escaping @Sendable (DomainEvent) throws(EventDecodingError) -> CacheInvalidation?
    ) {
        self.name = name
        self.timeToLive = timeToLive
        self.topic = topic
        self.tag = tag
        self.rowStatement = rowStatement
        self.invalidation = invalidation
    }

    package var description: String { name }
    /// Of its time to live, in the section `redis`.
    package var settingName: String { "\(name.replacing("_cache", with: ""))_ttl" }

    package static func == (left: CacheFamily, right: CacheFamily) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// What an event invalidates, over all families.
    package static func invalidations(by event: DomainEvent) throws(EventDecodingError) -> [CacheInvalidation] {
        var invalidations: [CacheInvalidation] = []
        for family in all {
            if let invalidation = try family.invalidation(event) { invalidations.append(invalidation) }
        }
        return invalidations
    }
}

/// What many entries depend on.
package struct CacheTag: Sendable, Hashable {
    package let name: String

    /// The products that there are, and their names.
    package static let products = CacheTag(name: "products")
}

// MARK: The table

extension CacheFamily {
    package static let all = [latestResults, products, productLists]

    /// A product's latest result.
    package static let latestResults = CacheFamily(
        "analysis_cache", timeToLive: .seconds(6 * 3600), topic: .analysis, rowStatement: "latest_versions"
    ) { event throws(EventDecodingError) in
        guard event.type == .analysisCompleted else { return nil }
        let payload = try event.payload(as: CompletionPayload.self)
        return .entry(.analysis(payload.productID), version: payload.resultVersion)
    }

    package static let products = CacheFamily(
        "product_cache", timeToLive: .seconds(3600), topic: .product, rowStatement: "product_versions"
    ) { event throws(EventDecodingError) in
        guard event.type.aggregate == .product else { return nil }
        guard let id = ProductID(event.aggregateID) else {
            throw EventDecodingError(reason: "the subject is no product's id")
        }
        return .entry(.product(id), version: event.version)
    }

    /// Pages of the list of products.
    package static let productLists = CacheFamily(
        "product_list_cache", timeToLive: .seconds(1800), topic: .product, tag: .products
    ) { event throws(EventDecodingError) in
        event.type.aggregate == .product ? .tag(.products) : nil
    }
}
