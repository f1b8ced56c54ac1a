import Foundation
import HTTPTypes
import Postgres
import QuartetDatabases
import QuartetHTTP

/// A product that is like something.
struct Candidate: Sendable {
    let productID: String
    /// The cosine of the angle between the two: 1 for the same.
    let likeness: Double
    let json: [UInt8]
}

/// Which products are wanted.
struct CandidateFilter: Sendable, Hashable {
    var category: String?
    var brand: String?
    var priceMin: Int64?
    var priceMax: Int64?
}

/// Finds the products whose embeddings are nearest to a point.
///
/// The index gives them in the order of their distance and goes on until enough of them pass the filter. Where it gives up first
/// (it looks at 20,000), few products pass: then those alone are compared, one by one.
struct CandidateSearch: Sendable {
    static let limitMax = 500
    private static let versionMin = [0, 8]

    private let databases: Databases

    init(databases: Databases) {
        self.databases = databases
    }

    /// - Parameter isExact: whether the index is left aside.
    func nearest(
        to point: [Float], of model: EmbeddingModel, limit: Int, where filter: CandidateFilter = CandidateFilter(),
        isExact: Bool = false
    ) async throws -> [Candidate] {
        // What has no direction is like nothing.
        guard point.contains(where: { $0 != 0 }) else { return [] }
        let file = SQLFile(
            label: "candidates",
            statements: [
                "near": Self.near(model, filter), "compared": Self.compared(model, filter),
            ])
        let statements = try databases.statements(in: file, of: CatalogService.schema)
        let (near, compared) = (try statements.named("near"), try statements.named("compared"))
        var parameters = PostgresParameters()
        parameters.append(point)
        parameters.append(limit)
        if let category = filter.category { parameters.append(category) }
        if let brand = filter.brand { parameters.append(brand) }
        if let price = filter.priceMin { parameters.append(price) }
        if let price = filter.priceMax { parameters.append(price) }
        let given = parameters
        return try await near.transaction { work in
            try await requireExtension(near.database, work.session)
            if !isExact {
                _ = try await work.session.query(
                    PostgresStatement(Self.settings, name: "near_settings", "\(min(1_000, max(100, 2 * limit)))"))
                let found = try await Self.candidates(near, given, work.session)
                if found.count >= limit { return found }
            }
            return try await Self.candidates(compared, given, work.session)
        }
    }

    private static func candidates(
        _ statement: StoreStatement, _ parameters: PostgresParameters, _ session: PostgresSession
    ) async throws -> [Candidate] {
        let rows = try await session.query(
            PostgresStatement(statement.sql, name: statement.name, parameters: parameters))
        return try rows.map { row in
            let (id, likeness, json) = try row.decode(String.self, Double.self, [UInt8].self)
            return Candidate(productID: id, likeness: likeness, json: json)
        }.sorted { ($1.likeness, $0.productID) < ($0.likeness, $1.productID) }
    }

    private func requireExtension(_ database: DatabaseName, _ session: PostgresSession) async throws {
        let look = PostgresStatement("SELECT extversion FROM pg_extension WHERE extname = 'vector'", name: "vector")
        guard let row = try await session.query(look).first else {
            throw Problem(
                .serviceUnavailable, "extension-missing",
                "database \(database) lacks the extension vector: install pgvector 0.8 or later on its server "
                    + "(postgresql-15-pgvector of apt.postgresql.org for version 15), then run `quartet migrate`")
        }
        let version = try row.decode(0, as: String.self)
        guard EmbeddingModel.indexes.accepts(version) else {
            throw Problem(
                .serviceUnavailable, "extension-missing",
                "database \(database) has the extension vector \(version): install pgvector 0.8 or later on its server, "
                    + "say ALTER EXTENSION vector UPDATE there, then run `quartet migrate`")
        }
    }

    /// For one transaction: the index is gone through in its order until enough pass the filter.
    private static let settings = """
        SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', $1, true),
            set_config('enable_sort', 'off', true), set_config('enable_hashjoin', 'off', true),
            set_config('enable_mergejoin', 'off', true)
        """

    private static let document = """
        json_strip_nulls(json_build_object('product_id', p.product_id, 'name', p.name, 'brand', p.brand,
            'category_id', p.category_id, 'currency', p.currency, 'price', p.price, 'stock', p.stock))::text
        """

    private static func conditions(_ model: EmbeddingModel, _ filter: CandidateFilter) -> String {
        var conditions = [model.condition, "p.deleted_at IS NULL"]
        var place = 2
        for (isGiven, condition) in [
            (filter.category != nil, "p.category_id ="), (filter.brand != nil, "p.brand ="),
            (filter.priceMin != nil, "p.price >="), (filter.priceMax != nil, "p.price <="),
        ] where isGiven {
            place += 1
            conditions.append("\(condition) $\(place)")
        }
        return conditions.joined(separator: " AND ")
    }

    /// By the index.
    private static func near(_ model: EmbeddingModel, _ filter: CandidateFilter) -> String {
        let distance = "\(model.vector("e.embedding")) <=> \(model.vector("$1"))"
        return """
            SELECT p.product_id, 1 - (\(distance)), \(document)
            FROM {embeddings} e JOIN {products} p ON p.product_id = e.product_id
            WHERE \(conditions(model, filter)) ORDER BY \(distance) LIMIT $2::bigint
            """
    }

    /// One by one.
    private static func compared(_ model: EmbeddingModel, _ filter: CandidateFilter) -> String {
        """
        WITH compared AS MATERIALIZED (
            SELECT e.product_id, \(model.vector("e.embedding")) <=> \(model.vector("$1")) AS distance
            FROM {embeddings} e JOIN {products} p ON p.product_id = e.product_id WHERE \(conditions(model, filter))
        ), nearest AS (
            SELECT product_id, distance FROM compared WHERE distance <= 2 ORDER BY distance, product_id LIMIT $2::bigint
        )
        SELECT p.product_id, 1 - n.distance, \(document)
        FROM nearest n JOIN {products} p ON p.product_id = n.product_id
        """
    }

    /// How PostgreSQL looks for them, for tests.
    func plan(of model: EmbeddingModel, where filter: CandidateFilter) async throws -> String {
        let file = SQLFile(label: "candidates", statements: ["plan": "EXPLAIN \(Self.near(model, filter))"])
        let plan = try databases.statements(in: file, of: CatalogService.schema).named("plan")
        var parameters = PostgresParameters()
        parameters.append([Float](repeating: 1, count: model.dimension))
        parameters.append(10)
        for text in [filter.category, filter.brand].compactMap(\.self) { parameters.append(text) }
        for price in [filter.priceMin, filter.priceMax].compactMap(\.self) { parameters.append(price) }
        let given = parameters
        return try await plan.transaction { work in
            _ = try await work.session.query(PostgresStatement(Self.settings, name: "near_settings", "100"))
            let rows = try await work.session.query(PostgresStatement(plan.sql, name: "plan", parameters: given))
            return try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
        }
    }
}
