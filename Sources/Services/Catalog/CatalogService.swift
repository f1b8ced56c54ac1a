package import QuartetCore
package import QuartetDatabases
package import QuartetHTTP
package import QuartetRoles
package import ServiceSupport

/// What there is to sell: products, their categories and what they cost since when.
package struct CatalogService: ShopService {
    package static let schema = ServiceSchema(
        "catalog", in: .dropship,
        tables: [
            .products, .categories, .priceHistory, Table("embeddings"), Table("benchmarks_view"),
            Table("catalog_projections"), Table("sourcing_candidates"),
        ],
        functions: [
            Table("note_prices"), Table("forget_supplier_version"), Table("search_fold"), Table("search_grams"),
            Table("search_pairs"), Table("search_query"),
        ],
        migrations: [
            Migration(1, "products", PackageResources._001_products_sql, formers: [("dropship", 1)]),
            Migration(2, "catalog", PackageResources._002_catalog_sql),
            Migration(3, "product_turns", PackageResources._003_product_turns_sql),
            Migration(4, "supplier_items", PackageResources._004_supplier_items_sql),
            Migration(5, "product_search", PackageResources._005_product_search_sql),
            Migration(6, "product_search_index", PackageResources._006_product_search_index_sql),
            Migration(7, "embeddings", PackageResources._007_embeddings_sql),
            Migration(8, "product_letters", PackageResources._008_product_letters_sql),
            Migration(9, "product_pairs", PackageResources._009_product_pairs_sql),
            Migration(10, "product_pairs_index", PackageResources._010_product_pairs_index_sql),
        ],
        extensions: [EmbeddingModel.indexes])
    package static let eventTypes = [categoryCreated, categoryUpdated, categoryDeleted]
    /// An item of a supplier that nobody fetches is as its shop says.
    package static let references = [
        Reference(
            .products, key: "product_id", column: "supplier_item_id", to: Table("supplier_item_raw"), cure: .report,
            presence: """
                SELECT i.id FROM unnest($1::text[]) AS i (id)
                WHERE EXISTS (SELECT 1 FROM {supplier_item_raw} r WHERE r.raw_id = i.id)
                    OR NOT EXISTS (SELECT 1 FROM {supplier_accounts} a WHERE a.supplier_id = split_part(i.id, ':', 1))
                """),
        // A candidate without either means nothing.
        Reference(
            Table("sourcing_candidates"), key: "candidate_id", column: "benchmark_product_id",
            to: Table("benchmark_products"), targetKey: ("benchmark_product_id", "text"), cure: .delete),
        Reference(
            Table("sourcing_candidates"), key: "candidate_id", column: "product_id", to: .products,
            targetKey: ("product_id", "text"), cure: .delete),
    ]
    package static let callDescription = PackageResources.calls_json
    package static let subscriptions = [SupplierItems.subscription, ProductEmbeddings.subscription]

    package let resources: [any ServedResource]
    package let agingRows: [AgingRows]
    package let handlers: [any EventHandler]
    package let embeddings: ProductEmbeddings
    private let prices: PriceHistory
    private let candidates: CandidateEndpoints

    package init(databases: Databases) throws {
        resources = try [Self.products, Self.categories, Self.candidates].map {
            try ResourceEndpoints($0, of: Self.schema, databases: databases)
        }
        agingRows = [try AgingRows(Self.products, of: Self.schema, databases: databases)]
        prices = try PriceHistory(databases: databases)
        embeddings = try ProductEmbeddings(databases: databases)
        handlers = [try SupplierItems(databases: databases), embeddings]
        candidates = try CandidateEndpoints(databases: databases)
    }

    package func addRoutes(to routes: ServiceRouter) {
        prices.add(to: routes.routes)
        candidates.add(to: routes.routes)
    }
}

extension CatalogService {
    /// The analyses serve some of its calls, which they have cached.
    static let products = Resource(
        "products", one: "product", in: .products, key: "product_id",
        columns: [
            Column("name", .text(bytesMax: 512), [.required, .sort]),
            Column("supplier_item_id", .id, .filter),
            Column("category_id", .id, .filter),
            Column("brand", .text(bytesMax: 256), .filter),
            Column("currency", .currency, fallback: "'KRW'"),
            Column("price", .money, .sort, fallback: "0"),
            Column("list_price", .money),
            Column("discount_rate", .integer(0...100)),
            Column("stock", .integer(0...Int64.max), fallback: "0"),
        ],
        events: .init(created: .productCreated, updated: .productUpdated, deleted: .productDeleted),
        conflicts: [
            "products_of_supplier_item": "another product is of this supplier_item_id",
            "products_category_is_there": "there is no category of this category_id",
        ],
        search: TextSearch(
            #"t.name || E'\n' || coalesce(t.brand, '')"#, fold: Table("search_fold"), pairs: Table("search_pairs"),
            query: Table("search_query")),
        elsewhere: [.list, .get, .put])

    static let categories = Resource(
        "categories", one: "category", in: .categories, key: "category_id",
        columns: [
            Column("name", .text(bytesMax: 256), [.required, .sort]),
            Column("parent_id", .id, .filter),
        ],
        events: .init(created: categoryCreated, updated: categoryUpdated, deleted: categoryDeleted),
        conflicts: [
            "categories_parent_is_there": "there is no category of this parent_id",
            "categories_are_no_ring": "a category is not its own parent",
        ])

    /// Found by the calls of benchmarks; people say what becomes of them.
    static let candidates = Resource(
        "sourcing_candidates", one: "sourcing_candidate", in: Table("sourcing_candidates"), key: "candidate_id",
        columns: [
            Column("benchmark_product_id", .id, [.readOnly, .filter]),
            Column("product_id", .id, [.readOnly, .filter]),
            Column("model", .text(bytesMax: 64), .readOnly),
            // Of a million.
            Column("likeness", .integer(-1_000_000...1_000_000), .readOnly),
            Column("status", .text(bytesMax: 32), .filter, fallback: "'found'"),
            Column("note", .text(bytesMax: 1_024)),
        ],
        conflicts: ["sourcing_candidates_status_is_known": "status is found, accepted or refused"],
        elsewhere: [.create, .importing, .put])

    private static let category = AggregateKind(rawValue: "category")
    static let categoryCreated = EventType(
        "catalog.category.created", of: category, to: .product, as: "catalog.category.created",
        carrying: ProductPayload.self)
    static let categoryUpdated = EventType(
        "catalog.category.updated", of: category, to: .product, as: "catalog.category.updated",
        carrying: ProductPayload.self)
    static let categoryDeleted = EventType(
        "catalog.category.deleted", of: category, to: .product, as: "catalog.category.deleted",
        carrying: DeletionPayload.self)
}

extension Table {
    package static let products = Table("products")
    static let categories = Table("categories")
    static let priceHistory = Table("price_history")
}
