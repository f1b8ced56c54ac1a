package import QuartetDatabases

/// What accounts outside list, and where it lists that: at its URL, `/` and the name; kept in a raw table, a row each.
package struct SyncedList: Sendable, Hashable, Encodable {
    package let name: String
    let table: Table
    /// The types of the events for a row that changed and for one that is gone; nil where nobody is told.
    let changed, removed: String?

    package init(_ name: String, in table: Table, changed: String? = nil, removed: String? = nil) {
        (self.name, self.table, self.changed, self.removed) = (name, table, changed, removed)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// Whom a service fetches lists from page by page, and where it keeps what is known of that.
package struct SyncSource: Sendable {
    /// What one of them is called: `supplier`.
    package let one: String
    /// In the order in which they are fetched.
    package let lists: [SyncedList]
    let schema: ServiceSchema
    /// The column that names an account.
    let key: String
    /// Rows of accounts in SQL: the key, `url`, `token`, `sync_interval_seconds`, `requests_per_second`, `is_paused`,
    /// `created_at` and `deleted_at`.
    let accounts: String
    private let state, jobs, log: Table

    package init(
        one: String, lists: [SyncedList], of schema: ServiceSchema, key: String, accounts: String, state: Table,
        jobs: Table, log: Table
    ) {
        (self.one, self.lists, self.schema, self.key, self.accounts) = (one, lists, schema, key, accounts)
        (self.state, self.jobs, self.log) = (state, jobs, log)
    }

    func list(_ name: String) -> SyncedList? { lists.first { $0.name == name } }

    /// Statements about accounts and passes.
    func file() throws -> SQLFile {
        try SQLFile(label: "sync.sql", text: rendered(PackageResources.sync_sql))
    }

    /// Statements about the rows of a list.
    func file(of list: SyncedList) throws -> SQLFile {
        let text = rendered(PackageResources.rows_sql).replacing("{raw}", with: "{\(list.table)}")
            .replacing("{changed}", with: list.changed ?? "").replacing("{removed}", with: list.removed ?? "")
            .replacing("{is_told}", with: list.changed == nil ? "false" : "true")
        return try SQLFile(label: "rows.sql", text: text)
    }

    private func rendered(_ bytes: [UInt8]) -> String {
        let parts = [
            "key": key, "accounts": accounts, "state": "{\(state)}", "jobs": "{\(jobs)}", "log": "{\(log)}",
        ]
        return parts.reduce(String(decoding: bytes, as: UTF8.self)) { text, part in
            text.replacing("{\(part.key)}", with: part.value)
        }
    }

    /// The runs, for readers.
    package func runs(_ name: String, one noun: String) -> Resource {
        Resource(
            name, one: noun, in: jobs, key: "job_id",
            columns: [
                Column(key, .id, [.readOnly, .filter]),
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
}
