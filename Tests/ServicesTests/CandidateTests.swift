import ClientSupport
import Foundation
import HTTPTypes
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetRoles
import QuartetStores
import QuartetTesting
import ServiceSupport
import Testing

@testable import Catalog
@testable import QuartetService

/// Products that are like what markets sell.
@Suite("Candidates", .timeLimit(.minutes(5))) struct CandidateTests {
    private static let needsVectors: ConditionTrait = .enabled(
        if: TestStack.hasVectors, "infra/setup --tests fetches a PostgreSQL with pgvector")

    @Test("the nearest products are found for a benchmark of another database, as the filter has them", needsVectors)
    func found() async throws {
        try await House.open(.threeDatabases, hasVectors: true) { house in
            try await house.stockCandidates()
            let all = try await house.candidates("/v1/benchmarks/b/candidates?limit=3")
            #expect(all.first == "mug-1" && all.count == 3)
            let rest = "/v1/benchmarks/b/candidates?limit=9&"
            #expect(try await house.candidates(rest + "category=cups&price_max=1000") == ["mug-2"])
            #expect(try await house.candidates(rest + "price_min=40000") == ["lamp"])
            #expect(try await Set(house.candidates(rest + "brand=Acme")) == ["mug-2", "keyboard"])
            for bad in ["limit=0", "limit=501", "price_min=x", "colour=red", "category=", "brand=%00"] {
                let refused = try await house.call(.get, "/v1/benchmarks/b/candidates?\(bad)")
                #expect(refused.status == 400, "\(bad): \(refused.text)")
            }
            #expect(try await house.call(.get, "/v1/benchmarks/nobody/candidates").status == 404)
            // The extension is where embeddings are, and nowhere else.
            for database in house.databases.names {
                let rows = try await house.databases.client(of: database).query(
                    PostgresStatement("SELECT 1 FROM pg_extension WHERE extname = 'vector'"))
                #expect(rows.isEmpty == (database != .dropship), "\(database)")
            }
        }
    }

    @Test(
        "candidates that are kept are rows whose fate people decide, and finding them again changes nothing",
        needsVectors)
    func kept() async throws {
        try await House.open(.oneDatabase, hasVectors: true) { house in
            try await house.stockCandidates()
            let path = "/v1/benchmarks/b/candidates?category=cups"
            #expect(try await house.call(.post, path).status == 200)
            let list = "/v1/sourcing_candidates?benchmark_product_id=b"
            let kept = try await house.call(.get, list).json["sourcing_candidates"] as? [[String: Any]] ?? []
            #expect(Set(kept.compactMap { $0["product_id"] as? String }) == ["mug-1", "mug-2"])
            let id = try #require(kept.first { $0["product_id"] as? String == "mug-1" }?["id"] as? String)
            let one = "/v1/sourcing_candidates/\(id)"
            let accepted = try await house.call(.patch, one, #"{"status": "accepted"}"#, [.ifMatch: "*"])
            #expect(accepted.status == 200 && accepted.json["likeness"] as? Int ?? 0 > 500_000, "\(accepted.text)")
            #expect(try await house.call(.patch, one, #"{"status": "lost"}"#, [.ifMatch: "*"]).status == 409)
            #expect(try await house.call(.post, path).status == 200)
            #expect(try await house.call(.get, one).tag == accepted.tag)
            #expect(try await house.call(.delete, one, nil, [.ifMatch: "*"]).status == 200)
            #expect(try await house.call(.post, path).status == 200)
            #expect(try await house.call(.get, one).json["status"] as? String == "found")
            // Without the product, or without what it was found for, one means nothing.
            #expect(try await house.call(.delete, "/v1/products/mug-1", nil, [.ifMatch: "*"]).status == 200)
            #expect(try await house.mendCandidates() == ["", "mug-1"])
            #expect(try await house.call(.get, one).status == 404)
            #expect(try await house.call(.delete, "/v1/benchmark_products/b", nil, [.ifMatch: "*"]).status == 200)
            #expect(try await house.mendCandidates() == ["b", ""])
            #expect(try await house.call(.get, list).ids("sourcing_candidates").isEmpty)
        }
    }

    @Test("without the extension the rest goes on, and these calls say what to install")
    func withoutExtension() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockCandidates()
            #expect(try await house.count("SELECT count(*) FROM {embeddings} WHERE model LIKE 'ngrams-%'") == 4)
            for method in [HTTPRequest.Method.get, .post] {
                let answer = try await house.call(method, "/v1/benchmarks/b/candidates")
                #expect(answer.status == 503 && answer.detail.contains("install pgvector"), "\(answer.text)")
                #expect(answer.json["type"] as? String == "urn:quartet:problem:extension-missing")
            }
            #expect(try await house.count("SELECT count(*) FROM {sourcing_candidates}") == 0)
            let line = try await house.examineVectors()
            #expect(
                line?.verdict == .warning && line?.advice?.contains("install 0.8 or later") == true, "\(line as Any)")
        }
    }

    @Test("an extension that comes later is found by the next migrate", needsVectors)
    func later() async throws {
        try await House.open(.threeDatabases, hasVectors: true) { house in
            guard !TestStack.isSecured else { return }
            try await house.stockCandidates()
            let client = try house.databases.client(of: .dropship)
            try await client.execute(script: "DROP EXTENSION vector CASCADE")
            let before = try await house.call(.get, "/v1/benchmarks/b/candidates")
            #expect(before.status == 503, "\(before.text)")
            #expect(try await house.examineVectors()?.advice?.contains("CREATE EXTENSION vector") == true)
            try await house.migrate()
            #expect(try await house.candidates("/v1/benchmarks/b/candidates?limit=1") == ["mug-1"])
            #expect(try await house.nearIndexes() == 1)
            #expect(try await house.examineVectors()?.verdict == .ok)
        }
    }

    @Test("points of the caller's own model are compared with each other alone", needsVectors)
    func given() async throws {
        try await House.open(.threeDatabases, hasVectors: true) { house in
            try await house.stockCandidates()
            for (product, point) in [("lamp", "[1, 0, 0.5]"), ("keyboard", "[0, 1, 0]")] {
                let path = "/v1/products/\(product)/embeddings/mine%2F3"
                let put = try await house.call(.put, path, #"{"embedding": \#(point)}"#)
                #expect(put.status == 200 && put.json["dimension"] as? Int == 3, "\(put.text)")
            }
            let query = #"{"model": "mine/3", "embedding": [1, 0.1, 0.4]}"#
            for _ in 1...2 {
                let answer = try await house.call(.post, "/v1/benchmarks/b/candidates", query)
                #expect(House.productIDs(answer) == ["lamp", "keyboard"], "\(answer.text)")
                // The second time by an index.
                try await house.migrate()
            }
            #expect(try await house.nearIndexes() == 2)
            // What has no direction is kept, and like nothing.
            #expect(
                try await house.call(.put, "/v1/products/mug-1/embeddings/mine%2F3", #"{"embedding": [0, 1e-46, 0]}"#)
                    .status
                    == 200)
            let again = try await house.call(.post, "/v1/benchmarks/b/candidates", query)
            #expect(House.productIDs(again) == ["lamp", "keyboard"], "\(again.text)")
            let nothing = try await house.call(
                .post, "/v1/benchmarks/b/candidates", #"{"model": "mine/3", "embedding": [0, 0, 0]}"#)
            #expect(nothing.status == 200 && House.productIDs(nothing).isEmpty, "\(nothing.text)")
            for (path, body, status) in [
                ("lamp/embeddings/mine%2F3", #"{"embedding": [1, 2]}"#, 409),
                ("lamp/embeddings/\(EmbeddingModel.ngrams.name)", #"{"embedding": [1, 2]}"#, 409),
                ("lamp/embeddings/a'b", #"{"embedding": [1]}"#, 422), ("lamp/embeddings/m", #"{"embedding": []}"#, 422),
                ("lamp/embeddings/m", #"{"point": [1]}"#, 422),
                ("nobody/embeddings/m", #"{"embedding": [1]}"#, 404),
            ] {
                let refused = try await house.call(.put, "/v1/products/\(path)", body)
                #expect(refused.status == status, "\(path) \(body): \(refused.text)")
            }
        }
    }

    @Test("an embedding follows its product's words and its category's, not its price")
    func followed() async throws {
        try await House.open(.oneDatabase) { house in
            try await house.stockCandidates()
            let made = "SELECT count(*) FROM {embeddings} WHERE made_at > (SELECT min(made_at) FROM {embeddings})"
            #expect(try await house.count(made) == 0)
            _ = try await house.call(.patch, "/v1/products/lamp", #"{"price": 1}"#, [.ifMatch: "*"])
            try await house.followProducts()
            #expect(try await house.count(made) == 0)
            _ = try await house.call(.patch, "/v1/categories/cups", #"{"name": "Mugs"}"#, [.ifMatch: "*"])
            _ = try await house.call(.patch, "/v1/products/lamp", #"{"brand": "Lumi"}"#, [.ifMatch: "*"])
            try await house.followProducts()
            #expect(try await house.count(made) == 3)
            #expect(try await house.call(.delete, "/v1/products/lamp", nil, [.ifMatch: "*"]).status == 200)
            try await house.followProducts()
            #expect(try await house.count("SELECT count(*) FROM {embeddings}") == 3)
            #expect(try await house.count("SELECT count(*) FROM {embeddings} WHERE product_id = 'lamp'") == 0)
        }
    }
}

extension House {
    /// Four products, two of them mugs, and a benchmark that is one; all copies as they are then.
    func stockCandidates() async throws {
        _ = try await call(.put, "/v1/categories/cups", #"{"name": "머그컵"}"#)
        for product in [
            #"{"id": "mug-1", "name": "보온 머그컵 350ml", "brand": "스타웨어", "category_id": "cups", "price": 12000}"#,
            #"{"id": "mug-2", "name": "도자기 머그컵", "brand": "Acme", "category_id": "cups", "price": 900}"#,
            #"{"id": "lamp", "name": "Fox night lamp", "price": 45000}"#,
            #"{"id": "keyboard", "name": "무선 키보드", "brand": "Acme", "price": 30000}"#,
        ] { _ = try await call(.post, "/v1/products", product) }
        let benchmark = #"{"marketplace": "m", "name": "스타웨어 보온머그 350 ml", "category": "머그컵"}"#
        _ = try await call(.put, "/v1/benchmark_products/b", benchmark)
        _ = try await PostgresReadModel(BenchmarksViewProjection(), databases: databases).bootstrap(as: "test") { _ in }
        let service = try #require(services.lazy.compactMap { $0 as? CatalogService }.first)
        #expect(try await service.embeddings.fill(after: "").made == 4)
        #expect(try await service.embeddings.fill(after: "").made == 0)
    }

    func candidates(_ path: String) async throws -> [String] {
        let answer = try await call(.get, path)
        #expect(answer.status == 200, "\(answer.text)")
        return Self.productIDs(answer)
    }

    static func productIDs(_ answer: Answer) -> [String] {
        (answer.json["candidates"] as? [[String: Any]] ?? []).compactMap {
            ($0["product"] as? [String: Any])?["product_id"] as? String
        }
    }

    func migrate() async throws { try await Migrator(databases: databases, logger: Self.logger).migrate() }

    func nearIndexes() async throws -> Int {
        try await databases.client(of: .dropship).query(
            PostgresStatement("SELECT 1 FROM pg_indexes WHERE indexname LIKE 'embeddings_near_%'")
        ).count
    }

    /// Of each reference of candidates, the targets that are not there; as the checker repairs them.
    func mendCandidates() async throws -> [String] {
        let resource = try #require(
            services.flatMap(\.resources).compactMap { $0 as? ResourceEndpoints }
                .first { $0.name == "sourcing_candidates" })
        var missing: [String] = []
        for reference in CatalogService.references where reference.table == Table("sourcing_candidates") {
            #expect(reference.cure == .delete)
            let store = try PostgresReferenceCheckStore(reference, databases: databases) { row in
                try await resource.delete(row.key, ifVersion: row.version)
            }
            let rows = try await store.references(behind: nil, limit: 10)
            let present = try await store.present(Set(rows.map(\.target)))
            let lost = rows.filter { !present.contains($0.target) }
            try await store.mend(lost)
            missing.append(lost.map(\.target).joined(separator: " "))
        }
        return missing
    }

    /// What the doctor says of the extension.
    func examineVectors() async throws -> DoctorLine? {
        try await ExtensionVisit(
            part: EmbeddingModel.indexes, service: CatalogService.schema, databases: databases,
            deadline: { .after(.seconds(60)) }
        ).lines().first
    }

    /// One number that the catalogue's database tells.
    func count(_ sql: String) async throws -> Int {
        let rendered = try databases.tables.render(sql, label: "test")
        return try await databases.client(of: CatalogService.schema).query(PostgresStatement(rendered.sql)).single()
            .decode(0, as: Int.self)
    }

    /// Has embeddings follow all events of the catalogue, as the role does.
    func followProducts() async throws {
        let database = databases.tables[.products].database
        let outbox = databases.tables[.outbox, in: database].schema
        let rows = try await databases.client(of: database).query(
            PostgresStatement(
                """
                SELECT type, aggregate_id, version, payload::text FROM \(outbox).outbox
                WHERE type LIKE 'catalog.%' ORDER BY id
                """))
        let events = try rows.map { row in
            let (type, id, version, payload) = try row.decode(String.self, String.self, Int64.self, [UInt8].self)
            return DomainEvent(
                id: "e", type: try #require(EventType.named(type)), aggregateID: id, version: version,
                payload: payload, occurredAt: .now)
        }
        let handler = try #require(services.flatMap(\.handlers).first { $0.name == "embeddings" })
        #expect(try await Self.feed(events, to: handler).isEmpty)
    }
}
