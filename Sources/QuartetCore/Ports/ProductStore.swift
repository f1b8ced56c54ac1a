package protocol ProductStore: Sendable {
    /// Creates or renames products; a product that is so already keeps its version. Without a name a product keeps the one
    /// it has, and a new one is called by its id. Returns them as they are now.
    func put(_ products: [(id: ProductID, name: String?)]) async throws -> [Product]

    /// The products of these ids, nil where there is none.
    func products(_ ids: [ProductID]) async throws -> [Product?]

    /// Up to `limit` products after `after`, in id order.
    func products(after: ProductID?, limit: Int) async throws -> [Product]
}
