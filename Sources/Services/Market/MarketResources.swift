import QuartetCore
import QuartetDatabases
import ServiceSupport

/// Accounts at markets, what is offered there, what markets say as they say it, and what products are compared with.
enum MarketResources {
    static let all = [accounts, listings, productRaw, orderRaw, benchmarks, benchmarkJobs]
    static let tables = all.map(\.table)
    static let eventTypes: [EventType] = [
        listingCreated, listingUpdated, listingDeleted, .benchmarkCreated, .benchmarkUpdated, .benchmarkDeleted,
    ]

    private static let marketplace = Column("marketplace", .text(bytesMax: 64), [.required, .filter])
    private static let noAccount = "there is no market account of this account_id"

    static let accounts = Resource(
        "market_accounts", one: "market_account", in: Table("market_accounts"), key: "account_id",
        columns: [
            marketplace,
            Column("name", .text(bytesMax: 256), .required),
            Column("login", .text(bytesMax: 256)),
            Column("secret", .text(bytesMax: 4096), .secret),
            Column("is_active", .flag, fallback: "true"),
            Column("url", .url),
            Column("sync_interval_seconds", .integer(1...31_536_000)),
            Column("requests_per_second", .integer(1...1_000)),
        ])

    static let listings = Resource(
        "market_listings", one: "market_listing", in: Table("market_listings"), key: "listing_id",
        columns: [
            Column("product_id", .id, [.required, .filter]),
            Column("account_id", .id, .filter),
            Column("marketplace", .text(bytesMax: 64), .required),
            Column("market_item_id", .id),
            Column("title", .text(bytesMax: 512)),
            Column("currency", .currency, fallback: "'KRW'"),
            Column("price", .money),
            Column("status", .text(bytesMax: 32), .filter, fallback: "'draft'"),
        ],
        events: .init(created: listingCreated, updated: listingUpdated, deleted: listingDeleted),
        conflicts: [
            "market_listings_of_item": "another listing is of this market_item_id",
            "market_listings_account_is_there": noAccount,
            "market_listings_status_is_known": "status is draft, active, paused or ended",
        ])

    static let productRaw = raw("market_product_raw")
    static let orderRaw = raw("market_order_raw", also: [Column("problem", .text(bytesMax: 1_024), .readOnly)])

    private static func raw(_ name: String, also: [Column] = []) -> Resource {
        Resource(
            name, one: name, in: Table(name), key: "raw_id",
            columns: [
                Column("account_id", .id, [.readOnly, .filter]),
                Column("item_id", .text(bytesMax: 512), .readOnly),
                Column("payload", .json(bytesMax: 1_048_576), .readOnly),
                Column("fetched_at", .time, [.readOnly, .sort]),
            ] + also,
            elsewhere: Resource.Call.changing)
    }

    static let benchmarks = Resource(
        "benchmark_products", one: "benchmark_product", in: Table("benchmark_products"), key: "benchmark_product_id",
        columns: [
            marketplace,
            Column("job_id", .id, .filter),
            Column("product_id", .id, .filter),
            Column("name", .text(bytesMax: 512), .required),
            Column("brand", .text(bytesMax: 256)),
            Column("category", .text(bytesMax: 256)),
            Column("url", .text(bytesMax: 2048)),
            Column("currency", .currency, fallback: "'KRW'"),
            Column("price", .money),
            // Of a hundred.
            Column("rating", .integer(0...100)),
            Column("reviews", .integer(0...Int64.max)),
            Column("collected_at", .time, .sort, fallback: "now()"),
        ],
        events: .init(created: .benchmarkCreated, updated: .benchmarkUpdated, deleted: .benchmarkDeleted),
        conflicts: ["benchmark_products_job_is_there": "there is no benchmark job of this job_id"])

    static let benchmarkJobs = Resource(
        "benchmark_collect_jobs", one: "benchmark_collect_job", in: Table("benchmark_collect_jobs"), key: "job_id",
        columns: [
            Column("marketplace", .text(bytesMax: 64), .required),
            Column("query", .text(bytesMax: 512), .required),
            Column("url", .url),
            Column("token", .text(bytesMax: 4096), .secret),
            Column("status", .text(bytesMax: 32), .filter, fallback: "'waiting'"),
            Column("pages", .integer(0...Int64.max), .readOnly),
            Column("found", .integer(0...Int64.max), fallback: "0"),
            Column("changed", .integer(0...Int64.max), .readOnly),
            Column("refused", .integer(0...Int64.max), .readOnly),
            Column("error", .text(bytesMax: 4096)),
            Column("started_at", .time),
            Column("ended_at", .time),
        ],
        conflicts: ["benchmark_collect_jobs_status_is_known": "status is waiting, running, done or failed"])

    private static let listing = AggregateKind(rawValue: "listing")
    private static func event(_ verb: String, carrying payload: any EventPayload.Type) -> EventType {
        EventType(
            "market.listing.\(verb)", of: listing, to: EventTopic(rawValue: "listing.events"),
            as: "market.listing.\(verb)", carrying: payload)
    }
    private static let listingCreated = event("created", carrying: ListingPayload.self)
    private static let listingUpdated = event("updated", carrying: ListingPayload.self)
    private static let listingDeleted = event("deleted", carrying: DeletionPayload.self)
}

/// Of a listing; its id is the aggregate's.
struct ListingPayload: EventPayload {
    static let fields = "product_id and marketplace"

    let productID, marketplace: String

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case marketplace
    }
}
