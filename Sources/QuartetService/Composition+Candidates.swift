import Catalog

extension Composition {
    /// Makes what products are compared by, where it is missing or out of date; returns of how many.
    ///
    /// - Parameter observe: is told of each page how many were.
    package func embedProducts(observe: (Int) -> Void) async throws -> Int {
        var (made, last) = (0, Optional(""))
        guard let embeddings = shop.lazy.compactMap({ $0 as? CatalogService }).first?.embeddings else { return 0 }
        while let id = last {
            let page = try await embeddings.fill(after: id)
            observe(page.made)
            (last, made) = (page.last, made + page.made)
        }
        return made
    }
}
