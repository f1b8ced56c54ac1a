package import QuartetCore
package import QuartetDatabases
package import QuartetHTTP
package import QuartetRoles
package import ServiceSupport

/// What is sold: where products are offered, orders as they come with what they tell of who ordered what, and what of it is
/// ordered from suppliers.
package struct MarketService: ShopService {
    package static let schema = ServiceSchema(
        "market", in: .market,
        tables: [
            .orders, .supplierOrders, Table("products_view"), Table("market_users_view"), Table("market_projections"),
            Table("market_sync_state"), Table("market_sync_jobs"), Table("market_raw_fetch_log"),
        ] + MarketResources.tables,
        migrations: [
            Migration(1, "orders", PackageResources._001_orders_sql),
            Migration(2, "market", PackageResources._002_market_sql),
            Migration(3, "collecting", PackageResources._003_collecting_sql),
            Migration(4, "market_sync", PackageResources._004_market_sync_sql),
            Migration(5, "unnamed_rows", PackageResources._005_unnamed_rows_sql),
        ])
    package static let eventTypes = [orderCreated, orderUpdated, .shopOrderPlaced] + MarketResources.eventTypes
    /// What was ordered stays so, whoever is deleted.
    package static let references = [
        Reference(
            Table("market_listings"), key: "listing_id", column: "product_id", to: Table("products"),
            targetKey: ("product_id", "text"), cure: .report),
        Reference(
            .orders, key: "order_id", column: "user_id", to: Table("users"), targetKey: ("user_id", "uuid"),
            countsDeleted: true, cure: .report),
        Reference(
            .orders, key: "order_id", column: "product_id", to: Table("products"), targetKey: ("product_id", "text"),
            countsDeleted: true, cure: .report),
        Reference(
            Table("benchmark_products"), key: "benchmark_product_id", column: "product_id", to: Table("products"),
            targetKey: ("product_id", "text"), cure: .clear),
    ]
    package static let subscriptions = [Subscription(OrderHandler.name, topics: OrderHandler.topics)]
    package static let callDescription = incomingOrders.description

    package let resources: [any ServedResource]
    package let handlers: [any EventHandler]
    private let endpoints: OrderEndpoints

    package init(databases: Databases) throws {
        let orders = try ResourceEndpoints(Self.orders, of: Self.schema, databases: databases)
        let runs = Self.sync.runs("market_sync_jobs", one: "market_sync_job")
        let others = try ([Self.supplierOrders, runs] + MarketResources.all).map {
            try ResourceEndpoints($0, of: Self.schema, databases: databases)
        }
        resources = [orders] + others
        let store = try OrderStore(databases: databases)
        handlers = [OrderHandler(orders: store)]
        endpoints = OrderEndpoints(orders: store, resource: orders)
    }

    package func addRoutes(to routes: ServiceRouter) { endpoints.add(to: routes) }
}

extension MarketService {
    /// What an order says of itself when it comes. What the house says of it besides may be sent along, and is passed over.
    static let incomingOrders = Resource(
        "orders", one: "order", in: .orders, key: "order_id",
        columns: [
            Column("user_id", .uuid, .required),
            Column("product_id", .id, .required),
            Column("quantity", .integer(1...1_000_000)),
            Column("unit_price", .integer(0...1_000_000_000_000)),
            Column("currency", .currency),
            Column("ordered_at", .time),
        ]
            + ["amount", "status", "supplier_item_id", "category_id", "region", "gender", "age_group"].map {
                Column($0, .text(bytesMax: 256), .readOnly)
            },
        elsewhere: [.list, .get, .put, .patch, .delete])

    /// An order that was stored: nothing but its status changes.
    static let orders = Resource(
        "orders", one: "order", in: .orders, key: "order_id",
        columns: [
            Column("user_id", .uuid, [.readOnly, .filter]),
            Column("product_id", .id, [.readOnly, .filter]),
            Column("quantity", .integer(1...1_000_000), .readOnly),
            Column("currency", .currency, .readOnly),
            Column("unit_price", .money, .readOnly),
            Column("amount", .money, .readOnly),
            Column("status", .text(bytesMax: 32), [.required, .filter]),
            Column("ordered_at", .time, [.readOnly, .sort]),
            Column("supplier_item_id", .id, .readOnly),
            Column("category_id", .id, .readOnly),
            Column("region", .text(bytesMax: 256), .readOnly),
            Column("gender", .text(bytesMax: 32), .readOnly),
            Column("age_group", .text(bytesMax: 32), .readOnly),
        ],
        events: .init(created: orderCreated, updated: orderUpdated),
        conflicts: ["orders_status_is_known": "status is placed, paid, shipped, delivered, cancelled or returned"],
        elsewhere: [.create, .importing, .put, .delete])

    static let supplierOrders = Resource(
        "supplier_orders", one: "supplier_order", in: .supplierOrders, key: "order_id",
        columns: [
            Column("supplier_item_id", .id, [.readOnly, .filter]),
            Column("quantity", .integer(1...1_000_000), .readOnly),
            Column("status", .text(bytesMax: 32), [.required, .filter]),
            Column("reference", .id),
        ],
        conflicts: [
            "supplier_orders_status_is_known": "status is waiting, sent, confirmed, shipped, refused or cancelled"
        ],
        elsewhere: [.create, .importing, .put, .delete])

    private static let order = AggregateKind(rawValue: "order")
    private static let orderEvents = EventTopic(rawValue: "order.events")
    static let orderCreated = EventType(
        "market.order.created", of: order, to: orderEvents, as: "market.order.created", carrying: OrderPayload.self)
    static let orderUpdated = EventType(
        "market.order.updated", of: order, to: orderEvents, as: "market.order.updated", carrying: OrderPayload.self)
}

extension MarketService {
    /// How what is listed and ordered at markets is fetched.
    package static let sync = SyncSource(
        one: "market", lists: [.offers, .marketOrders], of: schema, key: "account_id",
        accounts: """
            (SELECT account_id, url, secret AS token, sync_interval_seconds, requests_per_second, NOT is_active AS is_paused,
                created_at, deleted_at
            FROM {market_accounts} WHERE url IS NOT NULL)
            """,
        state: Table("market_sync_state"), jobs: Table("market_sync_jobs"), log: Table("market_raw_fetch_log"))
}

extension SyncedList {
    package static let offers = SyncedList("products", in: Table("market_product_raw"))
    package static let marketOrders = SyncedList("orders", in: Table("market_order_raw"))
}

extension Table {
    static let orders = Table("orders")
    static let supplierOrders = Table("supplier_orders")
}

/// Of an order; its id is the aggregate's. One that is created carries all of it.
struct OrderPayload: EventPayload {
    static let fields = "status"

    let status: String
}
