package import QuartetCore
import Testing

/// What every ``ReviewStore`` does.
package enum ReviewStoreConformance {
    package static let behaviours: [Conformance<any ReviewStore>] = [
        Conformance("the first review under an id stays", firstWriteWins),
        Conformance("reviews come back as they were sent", roundTrip),
        Conformance("ids are told apart and ordered by their bytes", idsAreBytes),
        Conformance("a product's reviews are its own", productsAreApart),
        Conformance("pages go on behind an id and say whether there is more", pagesGoOn),
        Conformance("a batch of pages answers each query", pagesInBatches),
        Conformance("a batch holds pages of long products too", pagesOfLongProducts),
        Conformance("ids are listed page by page", listsIDs),
        Conformance("concurrent calls count each new review once", concurrentAdds),
    ]

    private static func firstWriteWins(_ store: any ReviewStore) async throws {
        let product = try product("p")
        #expect(try await store.haveReviews([product]) == [false])
        #expect(try await store.add([], to: product) == 0)
        #expect(try await store.add([Review(id: "a", text: "first")], to: product) == 1)
        let second = [Review(id: "a", text: "second"), Review(id: "b", text: "b"), Review(id: "b", text: "again")]
        #expect(try await store.add(second, to: product) == 1)
        let stored = try await store.reviews(["b", "gone", "a", "b"], of: product)
        #expect(stored.map(\.?.text) == ["b", nil, "first", "b"])
        #expect(try await store.haveReviews([try Self.product("q"), product]) == [false, true])
    }

    private static func roundTrip(_ store: any ReviewStore) async throws {
        let product = try product("p")
        let reviews = [
            Review(id: "1", text: "x"),
            Review(
                id: "2", text: "배송이 빨라요 👍🏽 \"좋아요\"\n\t\u{0}\u{1F468}\u{200D}\u{1F469}", rating: 10, date: "2024-02-30"),
            Review(id: "3", text: String(repeating: "가", count: 5461), rating: 1, date: ""),
        ]
        #expect(try await store.add(reviews, to: product) == 3)
        #expect(try await store.reviews(reviews.map(\.id), of: product) == reviews)
        let page = try await store.pages([ReviewPageQuery(productID: product, limit: 10)])
        #expect(page == [ReviewPage(reviews: reviews, hasMore: false)])
    }

    private static func idsAreBytes(_ store: any ReviewStore) async throws {
        let product = try product("p")
        // The same letter composed and decomposed; Swift takes the two for equal.
        let ids = ["B", "a", "e\u{301}", "z", "\u{E9}", "\u{1F600}", "\u{FF01}"]
        let inOrder = ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try await store.add(ids.map { Review(id: $0, text: "of \(Array($0.utf8))") }, to: product) == ids.count)
        let listed = try await store.reviewIDs(of: product, after: nil, limit: 100)
        #expect(listed.map { Array($0.utf8) } == inOrder.map { Array($0.utf8) })
        let found = try await store.reviews(ids, of: product)
        #expect(found.map(\.?.text) == ids.map { "of \(Array($0.utf8))" })
        let behind = try await store.pages(
            ["e\u{301}", "\u{E9}"].map { ReviewPageQuery(productID: product, after: $0, limit: 1) })
        #expect(behind.flatMap { $0.reviews.map(\.id) } == ["z", "\u{FF01}"])
    }

    private static func productsAreApart(_ store: any ReviewStore) async throws {
        let products = try ["p", "p0", "p.0", "P", "p:"].map(product)
        for product in products {
            #expect(try await store.add([Review(id: "r", text: product.text)], to: product) == 1)
        }
        let pages = try await store.pages(products.map { ReviewPageQuery(productID: $0, limit: 5) })
        #expect(pages.map { $0.reviews.map(\.text) } == products.map { [$0.text] })
        #expect(try await store.reviewIDs(of: products[0], after: nil, limit: 5) == ["r"])
    }

    private static func pagesGoOn(_ store: any ReviewStore) async throws {
        let product = try product("p")
        let reviews = makeReviews(25)
        #expect(try await store.add(reviews.shuffled(), to: product) == 25)
        var read: [Review] = []
        var hasMore: [Bool] = []
        repeat {
            let query = ReviewPageQuery(productID: product, after: read.last?.id, limit: 10)
            let page = try #require(try await store.pages([query]).first)
            read += page.reviews
            hasMore.append(page.hasMore)
        } while hasMore.last == true
        #expect(read == reviews)
        #expect(hasMore == [true, true, false])
        let last = try await store.pages([ReviewPageQuery(productID: product, after: reviews[4].id, limit: 20)])
        #expect(last == [ReviewPage(reviews: Array(reviews[5...]), hasMore: false)])
    }

    private static func pagesInBatches(_ store: any ReviewStore) async throws {
        let many = try product("many")
        let few = try product("few")
        let none = try product("none")
        let reviews = makeReviews(30)
        _ = try await store.add(reviews, to: many)
        _ = try await store.add(Array(reviews[..<3]), to: few)
        let queries = [
            ReviewPageQuery(productID: many, limit: 10), ReviewPageQuery(productID: none, limit: 10),
            ReviewPageQuery(productID: few, limit: 3), ReviewPageQuery(productID: many, limit: 10),
            ReviewPageQuery(productID: many, after: reviews[9].id, limit: 50),
            ReviewPageQuery(productID: few, after: reviews[2].id, limit: 1),
            ReviewPageQuery(productID: few, limit: 2),
        ]
        #expect(
            try await store.pages(queries) == [
                ReviewPage(reviews: Array(reviews[..<10]), hasMore: true), ReviewPage(reviews: [], hasMore: false),
                ReviewPage(reviews: Array(reviews[..<3]), hasMore: false),
                ReviewPage(reviews: Array(reviews[..<10]), hasMore: true),
                ReviewPage(reviews: Array(reviews[10...]), hasMore: false), ReviewPage(reviews: [], hasMore: false),
                ReviewPage(reviews: Array(reviews[..<2]), hasMore: true),
            ])
        #expect(try await store.pages([]).isEmpty)
    }

    /// Products with far more reviews than their page crowd the others out of a batch; the others' pages are whole all
    /// the same.
    private static func pagesOfLongProducts(_ store: any ReviewStore) async throws {
        let reviews = makeReviews(600)
        let products = try (0..<40).map { try product("long-\($0)") }
        for (index, product) in products.enumerated() {
            let count = index.isMultiple(of: 8) ? 600 : 30
            _ = try await store.add(Array(reviews[..<count]), to: product)
        }
        let pages = try await store.pages(products.map { ReviewPageQuery(productID: $0, limit: 40) })
        for (index, page) in pages.enumerated() {
            let isLong = index.isMultiple(of: 8)
            #expect(page == ReviewPage(reviews: Array(reviews[..<(isLong ? 40 : 30)]), hasMore: isLong))
        }
    }

    private static func listsIDs(_ store: any ReviewStore) async throws {
        let product = try product("p")
        let reviews = makeReviews(25)
        _ = try await store.add(reviews, to: product)
        #expect(try await store.reviewIDs(of: product, after: nil, limit: 20) == reviews[..<20].map(\.id))
        #expect(try await store.reviewIDs(of: product, after: reviews[19].id, limit: 20) == reviews[20...].map(\.id))
        #expect(try await store.reviewIDs(of: try Self.product("none"), after: nil, limit: 20).isEmpty)
    }

    private static func concurrentAdds(_ store: any ReviewStore) async throws {
        let product = try product("p")
        let reviews = makeReviews(500)
        let added = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 { group.addTask { try await store.add(reviews.shuffled(), to: product) } }
            return try await group.reduce(0, +)
        }
        #expect(added == 500)
    }

    private static func product(_ text: String) throws -> ProductID { try #require(ProductID(text)) }

    /// Reviews in the order of their ids.
    private static func makeReviews(_ count: Int) -> [Review] {
        (0..<count).map { Review(id: "r\(1000 + $0)", text: "review \($0)", rating: Double(2 + $0 % 19) / 2) }
    }
}
