import Foundation
import Postgres
import QuartetDatabases
import QuartetTesting
import Testing

@testable import Catalog
@testable import QuartetService

/// What the index gives beside what a comparison with every product gives.
@Suite(
    "Nearest products", .timeLimit(.minutes(5)),
    .enabled(if: TestStack.hasVectors, "infra/setup --tests fetches a PostgreSQL with pgvector"))
struct NearestTests {
    private static let filters = [
        CandidateFilter(), CandidateFilter(category: "c3"), CandidateFilter(brand: "b7", priceMax: 2_000),
        CandidateFilter(priceMin: 2_900), CandidateFilter(category: "c1", priceMin: 100, priceMax: 130),
        CandidateFilter(category: "nowhere"),
    ]

    @Test("the index finds what a comparison with every product finds, under every filter")
    func exactness() async throws {
        try await House.open(.threeDatabases, hasVectors: true) { house in
            try await house.stockPoints()
            let search = CandidateSearch(databases: house.databases)
            let model = try EmbeddingModel(named: "test", of: House.point(0))
            for filter in Self.filters {
                var (found, all) = (0, 0)
                for number in 1...10 {
                    let point = House.point(number)
                    let exact = try await search.nearest(to: point, of: model, limit: 10, where: filter, isExact: true)
                    let near = try await search.nearest(to: point, of: model, limit: 10, where: filter)
                    #expect(near.count == exact.count && near.map(\.likeness) == near.map(\.likeness).sorted(by: >))
                    found += Set(near.map(\.productID)).intersection(exact.map(\.productID)).count
                    all += exact.count
                }
                #expect(found * 100 >= all * 95, "\(filter): \(found) of \(all)")
                let plan = try await search.plan(of: model, where: filter)
                #expect(plan.contains("Index Scan using embeddings_near_") && !plan.contains("Sort"), "\(plan)")
            }
        }
    }
}

extension House {
    /// 3,000 products with points of 16 numbers each, and an index of them.
    fileprivate func stockPoints() async throws {
        let script = """
            SELECT setseed(0.5);
            INSERT INTO {categories} (category_id, name, version) SELECT 'c' || n, 'n', 1 FROM generate_series(0, 9) n;
            INSERT INTO {products} (product_id, name, category_id, brand, price, version, created_at, updated_at)
            SELECT 'p' || n, 'n', 'c' || n % 10, 'b' || n % 30, n, 1, now(), now() FROM generate_series(1, 3000) n;
            INSERT INTO {embeddings} (product_id, model, dimension, embedding, of_version)
            SELECT 'p' || n, 'test', 16, array_agg(random() - 0.5), 1
            FROM generate_series(1, 3000) n, generate_series(1, 16) GROUP BY n;
            ANALYZE {embeddings}, {products};
            """
        let rendered = try databases.tables.render(script, label: "test")
        try await databases.client(of: .dropship).execute(script: rendered.sql)
        try await migrate()
    }

    fileprivate static func point(_ number: Int) -> [Float] {
        (0..<16).map { Float(sin(Double(number * 16 + $0) * 12.9898)) }
    }
}
