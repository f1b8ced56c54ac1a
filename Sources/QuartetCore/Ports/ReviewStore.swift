/// Reviews as the shops sent them.
package protocol ReviewStore: Sendable {
    /// Adds reviews of one product; those whose id is there already stay as they are. Returns how many were new.
    func add(_ reviews: [Review], to product: ProductID) async throws -> Int

    /// Whether each product has a review.
    func haveReviews(_ products: [ProductID]) async throws -> [Bool]

    /// For each query, a page of one product's reviews in id order.
    func pages(_ queries: [ReviewPageQuery]) async throws -> [ReviewPage]

    /// The reviews of these ids, in their order; nil where one is gone.
    func reviews(_ ids: [String], of product: ProductID) async throws -> [Review?]

    /// Up to `limit` ids of the product's reviews behind `after`, in id order.
    func reviewIDs(of product: ProductID, after: String?, limit: Int) async throws -> [String]
}

package struct ReviewPageQuery: Sendable, Hashable {
    package let productID: ProductID
    package let after: String?
    package let limit: Int

    package init(productID: ProductID, after: String? = nil, limit: Int) {
        self.productID = productID
        self.after = after
        self.limit = limit
    }
}

package struct ReviewPage: Sendable, Hashable {
    package let reviews: [Review]
    package let hasMore: Bool

    package init(reviews: [Review], hasMore: Bool) {
        self.reviews = reviews
        self.hasMore = hasMore
    }
}
