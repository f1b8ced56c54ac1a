package import QuartetCore
package import QuartetDatabases
package import ServiceSupport

/// Who supplies what: accounts, and what each supplier says of its items, orders, questions and categories.
package struct SuppliersService: ShopService {
    package static let schema = ServiceSchema(
        "suppliers", in: .source,
        tables: [
            .supplierAccounts, .supplierSyncJobs, .supplierSyncState, .supplierRawFetchLog, .supplierItemRaw,
            .supplierOrderRaw, .supplierQnaRaw, .supplierCategoryRaw,
        ],
        migrations: [Migration(1, "suppliers", PackageResources._001_suppliers_sql)])
    package static let eventTypes: [EventType] = [.supplierItemChanged, .supplierItemRemoved]

    package let resources: [any ServedResource]

    package init(databases: Databases) throws {
        resources = try [Self.accounts, Self.items, Self.jobs].map {
            try ResourceEndpoints($0, of: Self.schema, databases: databases)
        }
    }
}

extension SuppliersService {
    static let accounts = Resource(
        "supplier_accounts", one: "supplier account", in: .supplierAccounts, key: "supplier_id",
        columns: [
            Column("name", .text(bytesMax: 256), [.required, .sort]),
            Column("url", .url, .required),
            Column("token", .text(bytesMax: 4_096), .secret),
            Column("sync_interval_seconds", .integer(1...31_536_000)),
            Column("requests_per_second", .integer(1...1_000)),
            Column("is_paused", .flag, fallback: "false"),
        ])

    static let items = Resource(
        "supplier_items", one: "supplier item", in: .supplierItemRaw, key: "raw_id",
        columns: [
            Column("supplier_id", .id, [.readOnly, .filter]),
            Column("item_id", .text(bytesMax: 512), .readOnly),
            Column("payload", .json(bytesMax: 1_048_576), .readOnly),
        ],
        elsewhere: Resource.Call.changing)

    static let jobs = Resource(
        "supplier_jobs", one: "supplier job", in: .supplierSyncJobs, key: "job_id",
        columns: [
            Column("supplier_id", .id, [.readOnly, .filter]),
            Column("kind", .text(bytesMax: 32), .readOnly),
            Column("is_full", .flag, .readOnly),
            Column("state", .text(bytesMax: 32), [.readOnly, .filter]),
            Column("pages", .integer(0...Int64.max), .readOnly),
            Column("met", .integer(0...Int64.max), .readOnly),
            Column("changed", .integer(0...Int64.max), .readOnly),
            Column("refused", .integer(0...Int64.max), .readOnly),
            Column("removed", .integer(0...Int64.max), .readOnly),
            Column("error", .text(bytesMax: 1_024), .readOnly),
            Column("finished_at", .time, .readOnly),
        ],
        elsewhere: Resource.Call.changing)
}

extension Table {
    package static let supplierAccounts = Table("supplier_accounts")
    package static let supplierSyncJobs = Table("supplier_sync_jobs")
    package static let supplierSyncState = Table("supplier_sync_state")
    package static let supplierRawFetchLog = Table("supplier_raw_fetch_log")
    package static let supplierItemRaw = Table("supplier_item_raw")
    package static let supplierOrderRaw = Table("supplier_order_raw")
    package static let supplierQnaRaw = Table("supplier_qna_raw")
    package static let supplierCategoryRaw = Table("supplier_category_raw")
}
