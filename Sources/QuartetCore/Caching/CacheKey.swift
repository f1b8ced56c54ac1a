/// The key of a cache entry.
package struct CacheKey: Sendable, Hashable {
    package let family: CacheFamily
    package let id: String

    package init(family: CacheFamily, id: String) {
        self.family = family
        self.id = id
    }

    /// A product's latest result.
    package static func analysis(_ product: ProductID) -> CacheKey {
        CacheKey(family: .latestResults, id: product.text)
    }

    package static func product(_ product: ProductID) -> CacheKey { CacheKey(family: .products, id: product.text) }

    package static func productPage(after: ProductID?, limit: Int) -> CacheKey {
        CacheKey(family: .productLists, id: "\(limit)/\(after?.text ?? "")")
    }
}
