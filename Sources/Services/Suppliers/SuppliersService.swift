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
        migrations: [
            Migration(1, "suppliers", PackageResources._001_suppliers_sql),
            Migration(2, "unnamed_rows", PackageResources._002_unnamed_rows_sql),
        ])
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

    static let jobs = sync.runs("supplier_jobs", one: "supplier job")

    /// How suppliers' lists are fetched.
    package static let sync = SyncSource(
        one: "supplier", lists: [.categories, .items, .orders, .questions], of: schema, key: "supplier_id",
        accounts: "{supplier_accounts}", state: .supplierSyncState, jobs: .supplierSyncJobs,
        log: .supplierRawFetchLog)
}

extension SyncedList {
    package static let categories = SyncedList("categories", in: .supplierCategoryRaw)
    package static let items = SyncedList(
        "items", in: .supplierItemRaw, changed: "suppliers.item.changed", removed: "suppliers.item.removed")
    package static let orders = SyncedList("orders", in: .supplierOrderRaw)
    package static let questions = SyncedList("questions", in: .supplierQnaRaw)
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
