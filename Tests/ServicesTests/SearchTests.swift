import Catalog
import Foundation
import HTTPTypes
import Postgres
import QuartetDatabases
import ServiceSupport
import Testing

/// Products by words of their names and brands.
@Suite("Text search") struct SearchTests {
    private static let products: [(id: String, name: String, brand: String)] = [
        ("1", "찻잔 블루", "도자기나라"), ("2", "큰 찻잔", "Nordic"), ("3", "Tea-Cup A-1 100%", "NORDIC Home"),
        ("4", "머그컵 (대형)", "한샘"), ("5", "Café crème", "l'Ami"), ("6", "잔찻", "x_y"),
    ]

    /// What is looked for, and which are found.
    private static let queries: [(String, [String])] = [
        ("찻잔", ["1", "2"]), ("찻", ["1", "2", "6"]), ("컵", ["4"]), ("머그컵", ["4"]), ("머그잔", []),
        ("nordic", ["2", "3"]), ("찻잔 NORDIC", ["2"]), ("nordic 찻", ["2"]), ("A-1", ["3"]), ("(대", ["4"]),
        ("100%", ["3"]), ("%", ["3"]), ("_", ["6"]), ("x_y", ["6"]), ("xay", []), ("'", ["5"]), ("CAFÉ", ["5"]),
        ("cafe\u{301}", ["5"]), ("crème", ["5"]), ("\\", []), ("블루도", []), ("블루\u{3000}도자기", ["1"]), ("tea-cups", []),
        ("up t", ["3"]), ("100% tea", ["3"]),
    ]

    @Test("each term is in what is found, in any language and of any length", arguments: [Layout.threeDatabases])
    func found(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            _ = try await house.call(.put, "/v1/categories/cups", #"{"name": "Cups"}"#)
            for (index, product) in Self.products.enumerated() {
                let more = index % 2 == 0 ? #", "category_id": "cups""# : ""
                let body = """
                    {"id": "\(product.id)", "name": "\(product.name)", "brand": "\(product.brand)", "price": \(index)\(more)}
                    """
                #expect(try await house.call(.post, "/v1/products", body).status == 201)
            }
            func ids(_ query: String) async throws -> [String] {
                let answer = try await house.call(.get, "/v1/products?\(query)")
                return answer.status == 200 ? answer.ids("products") : ["\(answer.status)"]
            }
            for (query, wanted) in Self.queries {
                #expect(try await ids("q=\(Self.escaped(query))") == wanted, "\(query)")
            }
            // With filters, in another order, and on from where a page ended.
            let cups = "q=\(Self.escaped("찻"))&category_id=cups"
            #expect(try await ids(cups) == ["1"])
            #expect(try await ids("q=\(Self.escaped("찻"))&sort=-price") == ["6", "2", "1"])
            let page = try await house.call(.get, "/v1/products?q=\(Self.escaped("찻"))&sort=-price&limit=2")
            let next = try #require(page.json["next"] as? String)
            #expect(try await ids("q=\(Self.escaped("찻"))&sort=-price&limit=2&cursor=\(next)") == ["1"])
            // A product is found by the name that it has now.
            _ = try await house.call(.patch, "/v1/products/1", #"{"name": "접시"}"#, [.ifMatch: "*"])
            _ = try await house.call(.delete, "/v1/products/2", nil, [.ifMatch: "*"])
            #expect(try await ids("q=\(Self.escaped("찻잔"))") == [])
            #expect(try await ids("q=\(Self.escaped("접시"))") == ["1"])
            for refused in ["", "%20", "a%01", String(repeating: "a", count: 257), "a+b+c+d+e+f+g+h+i"] {
                #expect(try await ids("q=\(refused.replacing("+", with: "%20"))") == ["400"], "\(refused)")
            }
            #expect(try await house.call(.get, "/v1/categories?q=a").status == 400)
        }
    }

    @Test("among 100,000 products words are looked up in the index")
    func plan() async throws {
        try await House.open(.oneDatabase) { house in
            let place = house.databases.tables[.products]
            // An index is made of many rows sooner than it takes them in.
            let index = """
                SELECT indexdef FROM pg_indexes WHERE schemaname = '\(place.schema)' AND indexname = 'products_by_pairs'
                """
            let client = try house.databases.client(of: place.database)
            let definition = try await client.query(PostgresStatement(index)).single().decode(0, as: String.self)
            try await client.execute(
                script: """
                    DROP INDEX \(place.schema).products_by_pairs;
                    INSERT INTO \(place.schema).products (product_id, name, version, created_at, updated_at, brand)
                    SELECT 'p' || n, CASE WHEN n % 1000 = 0 THEN '찻잔 ' ELSE '접시 ' END || n, 1, now(), now(),
                        'brand ' || n % 100
                    FROM generate_series(1, 100000) n;
                    \(definition);
                    ANALYZE \(place.schema).products
                    """)
            let found = try await house.call(.get, "/v1/products?q=\(Self.escaped("찻잔 9000"))")
            let wanted =
                ["p19000", "p29000", "p39000", "p49000", "p59000", "p69000", "p79000", "p89000", "p9000"] + [
                    "p90000", "p99000",
                ]
            #expect(found.ids("products") == wanted, "\(found.text)")
            let resources = house.services.flatMap(\.resources).compactMap { $0 as? ResourceEndpoints }
            let products = try #require(resources.first { $0.name == "products" })
            for terms in [["찻잔"], ["찻잔", "9000"], ["없다"]] {
                let plan = try await products.plan(searching: terms)
                #expect(plan.contains("Bitmap Index Scan on products_by_pairs"), "\(terms)\n\(plan)")
            }
        }
    }

    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }
}
