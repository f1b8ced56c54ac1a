import Foundation
package import Mongo
package import QuartetCore
import Synchronization

package struct MongoReviewConfiguration: Sendable, Hashable {
    /// Reviews that one read brings at most, unless a single page is longer.
    package var reviewsPerReadMax = 8192
    /// Ids looked up in one read.
    package var idsPerReadMax = 2000

    package init() {}
}

/// Reviews in the collection `raw_reviews`, keyed by product and review id, so that a product's reviews lie together in
/// the order of their ids:
///
///     {_id: {product_id, review_id}, text, rating?, date?, received_at}
///
/// The `_id` index is all it needs. Reads see what a majority has: a review in a manifest does not go away again.
package struct MongoReviewStore: ReviewStore {
    package static let collectionName = "raw_reviews"

    private let collection: MongoCollection
    private let configuration: MongoReviewConfiguration
    private let overflows = Overflows()

    package init(client: MongoClient, configuration: MongoReviewConfiguration = MongoReviewConfiguration()) {
        precondition(configuration.reviewsPerReadMax > 0 && configuration.idsPerReadMax > 0, "reads bring something")
        collection = client.collection(Self.collectionName, writeConcern: .majority, readConcern: .majority)
        self.configuration = configuration
    }

    package func add(_ reviews: [Review], to product: ProductID) async throws -> Int {
        guard !reviews.isEmpty else { return 0 }
        let receivedAt = Date().bsonMilliseconds
        var batch = BSONBatch(reservingBytes: reviews.reduce(0) { $0 + $1.text.utf8.count + 256 })
        for review in reviews {
            batch.append { document in
                document.appendDocument("_id") {
                    $0.append("product_id", product.text)
                    $0.append("review_id", review.id)
                }
                document.append("text", review.text)
                if let rating = review.rating {
                    // As a whole number where it is one: earlier programs read no other.
                    if let whole = Int32(exactly: rating) {
                        document.append("rating", whole)
                    } else {
                        document.append("rating", rating)
                    }
                }
                document.append("date", ifPresent: review.date)
                document.append("received_at", milliseconds: receivedAt)
            }
        }
        let result = try await collection.insertMany(batch)
        try result.throwUnlessDuplicates()
        return result.inserted
    }

    package func haveReviews(_ products: [ProductID]) async throws -> [Bool] {
        var found: Set<String> = []
        for part in Array(Set(products)).slices(of: MongoCollection.unionMax) {
            let pipelines = part.map { product in
                [Self.match(product, after: nil), ["$limit": 1], ["$project": ["_id": 1]]] as [BSONDocument]
            }
            for document in try await collection.union(pipelines) {
                found.insert(try document.decode("_id", as: BSONDocument.self).decode("product_id"))
            }
        }
        return products.map { found.contains($0.text) }
    }

    package func pages(_ queries: [ReviewPageQuery]) async throws -> [ReviewPage] {
        var plan = PagePlan(queries)
        var pages = [ReviewPage?](repeating: nil, count: queries.count)
        while let round = plan.next(reviewsMax: configuration.reviewsPerReadMax) {
            var reviews: [String: [Review]] = [:]
            for document in try await read(round.map { queries[$0] }) {
                let stored = try StoredReview(document)
                reviews[stored.productID, default: []].append(stored.review)
            }
            for index in round {
                let found = reviews[queries[index].productID.text] ?? []
                pages[index] = Self.page(of: found, limit: queries[index].limit)
            }
        }
        return plan.answers(pages)
    }

    package func reviews(_ ids: [String], of product: ProductID) async throws -> [Review?] {
        // Keyed by bytes: Swift takes differently composed strings for equal, the store does not.
        var found: [[UInt8]: Review] = [:]
        for part in ids.slices(of: configuration.idsPerReadMax) {
            let keys = part.map { ["product_id": .string(product.text), "review_id": .string($0)] as BSONDocument }
            for document in try await collection.find(["_id": ["$in": .array(keys)]]) {
                let review = try StoredReview(document).review
                found[Array(review.id.utf8)] = review
            }
        }
        return ids.map { found[Array($0.utf8)] }
    }

    package func reviewIDs(of product: ProductID, after: String?, limit: Int) async throws -> [String] {
        var options = MongoFindOptions()
        options.sort = ["_id": 1]
        options.projection = ["_id": 1]
        options.limit = limit
        let documents = try await collection.find(Self.range(product, after: after), options)
        return try documents.map { try $0.decode("_id", as: BSONDocument.self).decode("review_id") }
    }

    /// One more than each page has tells whether there is more.
    private func read(_ queries: [ReviewPageQuery]) async throws -> [BSONDocument] {
        if let query = queries.first, queries.count == 1 {
            // A find takes the server half as long as an aggregation of one part.
            let options = MongoFindOptions(sort: ["_id": 1], limit: query.limit + 1)
            return try await collection.find(Self.range(query.productID, after: query.after), options)
        }
        if let all = try await readAll(queries) { return all }
        return try await collection.union(
            queries.map { query in
                [
                    Self.match(query.productID, after: query.after), ["$sort": ["_id": 1]],
                    ["$limit": .int(query.limit + 1)],
                ]
            })
    }

    /// All that lies behind the queries' places, which takes the server half as long as a part of an aggregation for each. Nil
    /// where that is more than the pages have room for: whose the first ones are is then left to the server.
    private func readAll(_ queries: [ReviewPageQuery]) async throws -> [BSONDocument]? {
        guard !overflows.isLikely() else { return nil }
        let ranges = queries.map { Self.range($0.productID, after: $0.after) }
        let options = MongoFindOptions(limit: queries.reduce(0) { $0 + $1.limit + 1 })
        let documents = try await collection.find(["$or": .array(ranges)], options)
        guard documents.count == options.limit else { return documents }
        overflows.note()
        return nil
    }

    private static func page(of reviews: [Review], limit: Int) -> ReviewPage {
        var reviews = reviews
        let isSorted = zip(reviews, reviews.dropFirst()).allSatisfy { $0.precedes($1) }
        if !isSorted { reviews.sort { $0.precedes($1) } }
        return ReviewPage(reviews: Array(reviews.prefix(limit)), hasMore: reviews.count > limit)
    }

    private static func match(_ product: ProductID, after: String?) -> BSONDocument {
        ["$match": .document(range(product, after: after))]
    }

    /// A product's keys behind `after`. A key without review id comes before all that have one.
    private static func range(_ product: ProductID, after: String?) -> BSONDocument {
        var low: BSONDocument = ["product_id": .string(product.text)]
        if let after { low.append("review_id", .string(after)) }
        let high: BSONDocument = ["product_id": .string(product.text), "review_id": .maxKey]
        return ["_id": ["$gt": .document(low), "$lt": .document(high)]]
    }
}

/// After products that had too many reviews to be read as a whole, the next ones probably have too.
private final class Overflows: Sendable {
    private static let readsPassed = 64
    private let toPass = Mutex(0)

    func isLikely() -> Bool {
        toPass.withLock { toPass in
            defer { toPass = max(0, toPass - 1) }
            return toPass > 0
        }
    }

    func note() { toPass.withLock { $0 = Self.readsPassed } }
}

extension Review {
    fileprivate func precedes(_ other: Review) -> Bool { id.utf8.lexicographicallyPrecedes(other.id.utf8) }
}

/// Which queries share a read: one per product, since results are told apart by product, and no more reviews than one
/// read may bring.
private struct PagePlan {
    private let queries: [ReviewPageQuery]
    /// For each query, the one that is read in its place.
    private var representatives: [Int] = []
    private var pending: [Int] = []

    init(_ queries: [ReviewPageQuery]) {
        self.queries = queries
        var firstPages: [ReviewPageQuery: Int] = [:]
        for (index, query) in queries.enumerated() {
            precondition(query.limit > 0, "a page has room for a review")
            // Positions behind an id are compared by bytes, which Swift's equality of strings does not do.
            let same = query.after == nil ? firstPages[query] : nil
            representatives.append(same ?? index)
            guard same == nil else { continue }
            if query.after == nil { firstPages[query] = index }
            pending.append(index)
        }
    }

    /// The indexes of the queries to read next, nil when all are read.
    mutating func next(reviewsMax: Int) -> [Int]? {
        var round: [Int] = []
        var products: Set<ProductID> = []
        var weight = 0
        pending.removeAll { index in
            let query = queries[index]
            guard round.isEmpty || (weight + query.limit < reviewsMax && round.count < MongoCollection.unionMax),
                products.insert(query.productID).inserted
            else { return false }
            weight += query.limit + 1
            round.append(index)
            return true
        }
        return round.isEmpty ? nil : round
    }

    func answers(_ pages: [ReviewPage?]) -> [ReviewPage] {
        representatives.map { pages[$0] ?? ReviewPage(reviews: [], hasMore: false) }
    }
}

/// A document of `raw_reviews`.
private struct StoredReview {
    let productID: String
    let review: Review

    init(_ document: BSONDocument) throws {
        var productID: String?
        var id: String?
        var text: String?
        var date: String?
        var rating: Double?
        var reader = BSONReader(document)
        while try reader.next() {
            if reader.isKey("_id") {
                var key = try reader.nested()
                while try key.next() {
                    if key.isKey("product_id") {
                        productID = try key.read()
                    } else if key.isKey("review_id") {
                        id = try key.read()
                    }
                }
            } else if reader.isKey("text") {
                text = try reader.read()
            } else if reader.isKey("rating") {
                rating = try reader.read()
            } else if reader.isKey("date") {
                date = try reader.read()
            }
        }
        guard let productID, let id else { throw BSONError(.missingKey, key: "_id") }
        guard let text else { throw BSONError(.missingKey, key: "text") }
        self.productID = productID
        review = Review(id: id, text: text, rating: rating, date: date)
    }
}
