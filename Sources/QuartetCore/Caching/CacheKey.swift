/// The key of a cache entry.
package struct CacheKey: Sendable, Hashable {
    package let family: CacheFamily
    /// Without braces.
    package let id: String

    package init(family: CacheFamily, id: String) {
        precondition(!id.contains { $0 == "{" || $0 == "}" }, "braces would decide where a key is")
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
