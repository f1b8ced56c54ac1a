package import QuartetMigrations

/// A table by the name that SQL files use for it: `{analysis_requests}`.
package enum Table: String, Sendable, Hashable, CaseIterable {
    case products
    case analysisRequests = "analysis_requests"
    case analysisResults = "analysis_results"
    case outbox
    case outboxCursors = "outbox_cursors"
    case outboxRelays = "outbox_relays"
    case consistencySweeps = "consistency_sweeps"
    case consistencyFindings = "consistency_findings"
    case supplierProducts = "supplier_products"
    case listings
}

/// Which database and schema each table is in. Code and SQL files name a table, never where it is.
package struct TableMap: Sendable, Hashable {
    package struct Place: Sendable, Hashable {
        package let database: DatabaseName
        package let schema: String
    }

    private var places: [Table: Place]

    /// The map that the migrations were written for: a schema per service.
    package init() {
        places = [:]
        for table in Table.allCases { places[table] = Self.place(of: table) }
    }

    package subscript(table: Table) -> Place { places[table] ?? Self.place(of: table) }

    /// Puts a table elsewhere, by the names that a configuration file uses.
    ///
    /// - Throws: `PostgresStoreError` that names the table, for a name that is not known or not a plain SQL name.
    package mutating func move(_ table: String, toDatabase database: String, schema: String) throws {
        guard let name = Table(rawValue: table) else {
            throw PostgresStoreError(.tableMap, "the table map names table \(table), which there is not")
        }
        guard let place = DatabaseName(rawValue: database) else {
            throw PostgresStoreError(
                .tableMap, "the table map puts \(table) into database \(database), which there is not")
        }
        guard Self.isPlainName(schema) else {
            throw PostgresStoreError(
                .tableMap,
                "the table map puts \(table) into schema \"\(schema)\": use 1 to 63 of a-z, 0-9 and _, no digit first")
        }
        places[name] = Place(database: place, schema: schema)
    }

    /// The schemas that a database needs, sorted.
    package func schemas(of database: DatabaseName) -> [String] {
        Set(Table.allCases.map { self[$0] }.filter { $0.database == database }.map(\.schema)).sorted()
    }

    /// Puts the tables' full names in place of their placeholders.
    ///
    /// - Parameter label: what the SQL is, for errors.
    /// - Returns: the SQL, and the databases that its tables are in.
    package func render(_ sql: String, label: String) throws -> (sql: String, databases: Set<DatabaseName>) {
        var rendered = ""
        var databases: Set<DatabaseName> = []
        var rest = sql[...]
        while let open = rest.firstIndex(of: "{") {
            rendered += rest[..<open]
            let tail = rest[rest.index(after: open)...]
            guard let close = tail.firstIndex(of: "}"), Self.isPlainName(tail[..<close]) else {
                rendered += "{"
                rest = tail
                continue
            }
            guard let table = Table(rawValue: String(tail[..<close])) else {
                throw PostgresStoreError(.tableMap, "\(label) names table \(tail[..<close]), which there is not")
            }
            rendered += "\(self[table].schema).\(table.rawValue)"
            databases.insert(self[table].database)
            rest = tail[tail.index(after: close)...]
        }
        return (rendered + rest, databases)
    }

    private static func place(of table: Table) -> Place {
        switch table {
        case .products: Place(database: .dropship, schema: "catalog")
        case .analysisRequests, .analysisResults: Place(database: .dropship, schema: "analysis")
        case .outbox, .outboxCursors, .outboxRelays: Place(database: .dropship, schema: "events")
        case .consistencySweeps, .consistencyFindings: Place(database: .dropship, schema: "consistency")
        case .supplierProducts: Place(database: .source, schema: "suppliers")
        case .listings: Place(database: .market, schema: "listings")
        }
    }

    private static func isPlainName(_ text: some StringProtocol) -> Bool {
        guard (1...63).contains(text.utf8.count), let first = text.utf8.first else { return false }
        return !isDigit(first)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || isDigit(byte) || byte == UInt8(ascii: "_")
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
