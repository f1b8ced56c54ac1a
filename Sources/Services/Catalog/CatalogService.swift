package import QuartetCore
package import QuartetDatabases
package import QuartetHTTP
package import QuartetRoles
package import ServiceSupport

/// What there is to sell: products, their categories and what they cost since when.
package struct CatalogService: ShopService {
    package static let schema = ServiceSchema(
        "catalog", in: .dropship,
        tables: [.products, .categories, .priceHistory],
        functions: [
            Table("note_prices"), Table("forget_supplier_version"), Table("search_fold"), Table("search_grams"),
        ],
        migrations: [
            Migration(1, "products", PackageResources._001_products_sql, formers: [("dropship", 1)]),
            Migration(2, "catalog", PackageResources._002_catalog_sql),
            Migration(3, "product_turns", PackageResources._003_product_turns_sql),
            Migration(4, "supplier_items", PackageResources._004_supplier_items_sql),
            Migration(5, "product_search", PackageResources._005_product_search_sql),
            Migration(6, "product_search_index", PackageResources._006_product_search_index_sql),
        ])
    package static let eventTypes = [categoryCreated, categoryUpdated, categoryDeleted]
    /// An item of a supplier that nobody fetches is as its shop says.
    package static let references = [
        Reference(
            .products, key: "product_id", column: "supplier_item_id", to: Table("supplier_item_raw"), cure: .report,
            presence: """
                SELECT i.id FROM unnest($1::text[]) AS i (id)
                WHERE EXISTS (SELECT 1 FROM {supplier_item_raw} r WHERE r.raw_id = i.id)
                    OR NOT EXISTS (SELECT 1 FROM {supplier_accounts} a WHERE a.supplier_id = split_part(i.id, ':', 1))
                """)
    ]
    package static let callDescription = PackageResources.calls_json
    package static let subscriptions = [SupplierItems.subscription]

    package let resources: [any ServedResource]
    package let agingRows: [AgingRows]
    package let handlers: [any EventHandler]
    private let prices: PriceHistory

    package init(databases: Databases) throws {
        resources = try [Self.products, Self.categories].map {
            try ResourceEndpoints($0, of: Self.schema, databases: databases)
        }
        agingRows = [try AgingRows(Self.products, of: Self.schema, databases: databases)]
        prices = try PriceHistory(databases: databases)
        handlers = [try SupplierItems(databases: databases)]
    }

    package func addRoutes(to routes: ServiceRouter) { prices.add(to: routes.routes) }
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
            #"t.name || E'\n' || coalesce(t.brand, '')"#, fold: Table("search_fold"), grams: Table("search_grams")),
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
