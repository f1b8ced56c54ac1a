package import QuartetCore
import Synchronization

/// Reviews in memory, in the order of their ids' UTF-8 bytes, as the real store has them.
package final class FakeReviewStore: ReviewStore {
    package enum Call: Sendable, Hashable, CaseIterable {
        case add, haveReviews, pages, reviews, reviewIDs
    }

    private let faults = FaultPlan<Call>()
    private let shelves = Mutex<[ProductID: Shelf]>([:])

    package init() {}

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    /// Whether a failure that was asked for has not come yet.
    package var hasFailuresWaiting: Bool { !faults.isEmpty }

    package func add(_ reviews: [Review], to product: ProductID) async throws -> Int {
        try faults.run(.add) {
            shelves.withLock { shelves in
                reviews.count { shelves[product, default: Shelf()].insert($0) }
            }
        }
    }

    package func haveReviews(_ products: [ProductID]) async throws -> [Bool] {
        try faults.run(.haveReviews) {
            shelves.withLock { shelves in products.map { shelves[$0] != nil } }
        }
    }

    package func pages(_ queries: [ReviewPageQuery]) async throws -> [ReviewPage] {
        try faults.run(.pages) {
            shelves.withLock { shelves in
                queries.map { query in
                    let rest = shelves[query.productID]?.reviews(after: query.after) ?? []
                    return ReviewPage(
                        reviews: Array(rest.prefix(query.limit)), hasMore: rest.count > query.limit)
                }
            }
        }
    }

    package func reviews(_ ids: [String], of product: ProductID) async throws -> [Review?] {
        try faults.run(.reviews) {
            shelves.withLock { shelves in ids.map { shelves[product]?.review($0) } }
        }
    }

    package func reviewIDs(of product: ProductID, after: String?, limit: Int) async throws -> [String] {
        try faults.run(.reviewIDs) {
            shelves.withLock { ($0[product]?.reviews(after: after) ?? []).prefix(limit).map(\.id) }
        }
    }

    /// Removes a review, as only an operator could.
    package func remove(_ id: String, of product: ProductID) {
        shelves.withLock { $0[product]?.remove(id) }
    }
}

/// One product's reviews. Ids are compared byte by byte: Swift takes differently composed strings for equal, the store
/// does not.
private struct Shelf {
    private var reviews: [Review] = []

    /// Returns whether the id was new.
    mutating func insert(_ review: Review) -> Bool {
        let index = place(of: review.id)
        if index < reviews.count, reviews[index].id.utf8.elementsEqual(review.id.utf8) { return false }
        reviews.insert(review, at: index)
        return true
    }

    mutating func remove(_ id: String) {
        reviews.removeAll { $0.id.utf8.elementsEqual(id.utf8) }
    }

    func review(_ id: String) -> Review? {
        let index = place(of: id)
        guard index < reviews.count, reviews[index].id.utf8.elementsEqual(id.utf8) else { return nil }
        return reviews[index]
    }

    func reviews(after id: String?) -> ArraySlice<Review> {
        guard let id else { return reviews[...] }
        return reviews[place(of: id)...].drop { $0.id.utf8.elementsEqual(id.utf8) }
    }

    /// The index of the first review whose id is not before `id`.
    private func place(of id: String) -> Int {
        var low = 0
        var high = reviews.count
        while low < high {
            let middle = (low + high) / 2
            if reviews[middle].id.utf8.lexicographicallyPrecedes(id.utf8) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
