import Foundation
import QuartetCore
import QuartetHTTP
import ServiceSupport

/// One page of what a market sells, as its source lists it.
package struct CollectedPage: Sendable {
    /// A product: the source's own id, and what it says of it, as JSON.
    package struct Row: Sendable {
        let id: String
        let json: String

        package init(id: String, json: String) {
            (self.id, self.json) = (id, json)
        }
    }

    package let rows: [Row]
    /// Rows that can't be read.
    package let refused: Int
    /// Of the page behind this one; nil for the last.
    package let next: String?

    package init(rows: [Row], refused: Int, next: String?) {
        (self.rows, self.refused, self.next) = (rows, refused, next)
    }
}

/// Where benchmark products come from, page by page.
package protocol BenchmarkSource: Sendable {
    /// - Throws: what keeps the page from coming, in words for people.
    func page(behind cursor: String?) async throws -> CollectedPage
}

/// What can be used of a product that was collected.
struct CollectedBenchmark: Sendable {
    let id, name: String
    let brand, category, url, currency: String?
    let price, rating, reviews: Int64?

    private static let fields = [
        "name", "brand", "category", "url", "currency", "price", "rating", "reviews",
    ].compactMap(MarketResources.benchmarks.column)

    /// By the rules of the calls; what else the source says is passed over.
    private static let resource = Resource(
        "benchmark_products", one: "benchmark_product", in: MarketResources.benchmarks.table,
        key: MarketResources.benchmarks.key, columns: fields)

    /// Nil for one that breaks a rule.
    init?(_ row: CollectedPage.Row, of marketplace: String) {
        let names = Set(Self.fields.map(\.name))
        guard let object = try? JSONSerialization.jsonObject(with: Data(row.json.utf8)) as? [String: Any],
            let known = try? JSONSerialization.data(withJSONObject: object.filter { names.contains($0.key) }),
            let values = try? ResourceRow(json: known, of: Self.resource), let name = values.text("name")
        else { return nil }
        // Each marketplace has ids of its own.
        id = OriginKey.make(marketplace, row.id)
        self.name = name
        brand = values.text("brand")
        category = values.text("category")
        url = values.text("url")
        currency = values.text("currency")
        price = values.integer("price")
        rating = values.integer("rating")
        reviews = values.integer("reviews")
    }
}
