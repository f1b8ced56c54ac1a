import Catalog
import Mongo
import QuartetCore
import QuartetService
import QuartetStores

/// What callers of a storm ask for.
struct StormData: Sendable {
    private static let productCount = 12

    let clients: StoreClients

    func prepare() async throws -> [ProductID] {
        let products = (0..<Self.productCount).compactMap { ProductID("storm-\($0)") }
        _ = try await PostgresProductStore(databases: clients.databases).put(
            products.map { ($0, $0.text) })
        let reviews = MongoReviewStore(client: clients.mongo)
        let texts = [
            "정말 마음에 들어요. 너무 좋아요!", "I love it, works perfectly.", "배송이 너무 늦어서 화가 났어요.",
            "It broke after two days, what a disappointment.", "The colour is blue.",
        ]
        for (number, product) in products.enumerated() {
            let own = (0..<(12 + 7 * number)).map {
                Review(id: "r-\(1000 + $0)", text: "\(texts[($0 + number) % texts.count]) \($0)")
            }
            _ = try await reviews.add(own, to: product)
        }
        return products
    }

    /// A product with a review that can't be read, as no caller can send one: its analyses fail.
    func prepareUnreadable() async throws -> ProductID {
        guard let product = ProductID("storm-unreadable") else { throw ChaosError("no product") }
        _ = try await PostgresProductStore(databases: clients.databases).put([(product, product.text)])
        let key: BSONDocument = ["product_id": .string(product.text), "review_id": "r-1000"]
        try await clients.mongo.collection("raw_reviews").insertOne(["_id": .document(key)])
        return product
    }
}
