import ClientSupport
import Foundation
import HTTPTypes
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetHTTP

/// The rows of a resource in PostgreSQL.
struct ResourceStore: Sendable {
    /// A row as callers get it.
    struct Stored: Sendable {
        let id: String
        let version: Int64
        let json: [UInt8]
        /// Of a list: what it is sorted by.
        var sortValue = ""
    }

    let resource: Resource
    let sql: ResourceSQL
    private let databases: Databases
    private let service: ServiceSchema
    private let byKey: KeyedLookup<String, Stored>
    private let creating: Batcher<(id: String, document: [UInt8]), Stored?>
    private let change, delete: StoreStatement

    init(_ resource: Resource, of service: ServiceSchema, databases: Databases) throws {
        self.resource = resource
        self.databases = databases
        self.service = service
        let sql = ResourceSQL(resource)
        self.sql = sql
        let file = SQLFile(
            label: resource.name,
            statements: [
                "by_key": sql.byKey, "create": sql.create, "change": sql.change, "delete": sql.delete,
            ])
        let statements = try databases.statements(in: file, of: service)
        byKey = KeyedLookup(try statements.named("by_key")) { row in
            let stored = try Stored(row: row)
            return (stored.id, stored)
        }
        change = try statements.named("change")
        delete = try statements.named("delete")
        let create = try statements.named("create")
        creating = Batcher(name: "create_\(resource.name)") { items in
            var json = JSONWriter()
            json.array { json in for item in items { json.raw(item.document) } }
            let created = try await create.runAlone(String(decoding: json.bytes, as: UTF8.self))
                .reduce(into: [String: Stored]()) { rows, row in
                    let stored = try Stored(row: row)
                    rows[stored.id] = stored
                }
            return items.map { .success(created[$0.id]) }
        }
    }

    /// Nil if there is none.
    func get(_ id: String) async throws -> Stored? { try await byKey(id) }

    /// Nil if there is one already.
    func create(_ id: String, _ row: ResourceRow) async throws -> Stored? {
        try await namingConflicts { try await creating((id, row.document(of: resource, key: id))) }
    }

    /// Nil if that changes nothing: there is none, it has another version, or it is so already.
    func change(_ id: String, _ row: ResourceRow, ifVersion version: Int64?) async throws -> Stored? {
        let document = String(decoding: row.document(of: resource, key: id), as: UTF8.self)
        return try await namingConflicts { try await change.run(id, document, version).first.map(Stored.init(row:)) }
    }

    /// The version that the deletion has; nil if there is none, or if it has another version.
    func delete(_ id: String, ifVersion version: Int64?) async throws -> Int64? {
        try await namingConflicts { try await delete.run(id, version).first?.decode(0, as: Int64.self) }
    }

    // MARK: Lists

    struct ListQuery: Sendable {
        var sort = "id"
        var descending = false
        var filters: [(column: Column, value: String)] = []
        /// What is looked for.
        var terms: [String] = []
        var limit = 100
        /// Bounds of what it is in the order of: with the one, without the other.
        var from, until: String?
        /// The last row of the page before.
        var after: (value: String, key: String)?
    }

    func list(_ query: ListQuery) async throws -> [Stored] {
        let text = sql.list(
            by: query.sort, descending: query.descending, filters: query.filters.map(\.column),
            isBounded: (query.from != nil, query.until != nil), terms: query.terms.count, goesOn: query.after != nil)
        let file = SQLFile(label: resource.name, statements: ["list": text])
        let statement = try databases.statements(in: file, of: service).named("list")
        var parameters = PostgresParameters()
        parameters.append(query.limit)
        for filter in query.filters { parameters.append(filter.value) }
        for bound in [query.from, query.until].compactMap(\.self) { parameters.append(bound) }
        for term in query.terms { parameters.append(term) }
        if let after = query.after {
            if query.sort != "id" { parameters.append(after.value) }
            parameters.append(after.key)
        }
        return try await run(statement, parameters, isSearch: !query.terms.isEmpty).map { row in
            var stored = try Stored(row: row)
            stored.sortValue = try row.decode(3, as: String.self)
            return stored
        }
    }

    /// What is searched for has an index that only bitmaps read, and how often words are there decides on the plan: both are
    /// off in sessions, where statements look rows up by key.
    private func run(
        _ statement: StoreStatement, _ parameters: PostgresParameters, isSearch: Bool
    ) async throws -> PostgresRows {
        guard isSearch else { return try await statement.run(parameters: parameters) }
        return try await statement.transaction { work in
            try await work.session.execute(
                script: "SET LOCAL enable_bitmapscan = on; SET LOCAL plan_cache_mode = force_custom_plan")
            return try await work.session.query(
                PostgresStatement(statement.sql, name: statement.name, parameters: parameters))
        }
    }

    // MARK: Import

    /// Makes rows as they are given, all or none of them; gives what was changed.
    func merge(_ rows: [(id: String, place: Int, row: ResourceRow)]) async throws -> [ResourceChange] {
        let file = SQLFile(label: resource.name, statements: ["merge": sql.merge])
        let merge = try databases.statements(in: file, of: service).named("merge")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.count * 128)
        for row in rows { row.row.write(to: &bytes, of: resource, key: row.id, place: row.place) }
        let chunk = bytes
        return try await namingConflicts {
            try await merge.transaction { work in
                try await work.session.execute(script: "\(StoreStatement.ownPlan); \(sql.stage)")
                _ = try await work.session.copyIn(
                    sql.copy,
                    from: AsyncStream([UInt8].self) {
                        $0.yield(chunk)
                        $0.finish()
                    })
                return try await work.run(merge).map { row in
                    let (id, version) = try row.decode(String.self, Int64.self)
                    return ResourceChange(resource: resource.name, id: id, version: version)
                }
            }
        }
    }

    /// What a constraint refuses is said in the resource's own words.
    private func namingConflicts<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as PostgresError {
            let known = error.constraint.flatMap { resource.conflicts[$0] }
            let reason = known ?? error.constraint.map { "it does not meet \($0)" } ?? error.message
            if error.isUniqueViolation || error.isForeignKeyViolation || known != nil {
                throw Problem(.conflict, "conflict", reason)
            }
            if error.isCheckViolation || error.sqlState == PostgresError.SQLState.notNullViolation
                || error.isDataException
            {
                throw Problem(.unprocessableContent, "bad-value", reason)
            }
            throw error
        }
    }
}

extension ResourceStore.Stored {
    fileprivate init(row: PostgresRow) throws {
        let (id, version, json) = try row.decode(String.self, Int64.self, [UInt8].self)
        self.init(id: id, version: version, json: json)
    }
}

extension ResourceStore {
    /// The plan of a list's first page.
    func plan(by sort: String, _ filters: [Column], searching terms: [String] = []) async throws -> String {
        let text = sql.list(by: sort, descending: false, filters: filters, terms: terms.count, goesOn: false)
        let file = SQLFile(label: resource.name, statements: ["plan": "EXPLAIN \(text)"])
        let statement = try databases.statements(in: file, of: service).named("plan")
        var parameters = PostgresParameters()
        parameters.append(10)
        for filter in filters { parameters.append(filter.kind == .uuid ? UUID().uuidString : "1") }
        for term in terms { parameters.append(term) }
        return try await run(statement, parameters, isSearch: !terms.isEmpty).map { try $0.decode(0, as: String.self) }
            .joined(separator: "\n")
    }
}
