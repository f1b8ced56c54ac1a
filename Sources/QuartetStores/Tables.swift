package import QuartetMigrations

/// A table or function by the name that SQL files use for it: `{analysis_requests}`.
package enum Table: String, Sendable, Hashable, CaseIterable {
    case products
    case analysisRequests = "analysis_requests"
    case analysisResults = "analysis_results"
    case consistencySweeps = "consistency_sweeps"
    case consistencyFindings = "consistency_findings"
    case deadLetters = "dead_letters"
    case supplierProducts = "supplier_products"
    case listings
    case users
    case userProfiles = "user_profiles"
    case usersView = "users_view"
    case projections

    // The outbox, one in each database.
    case outbox
    case outboxCursors = "outbox_cursors"
    case outboxRelays = "outbox_relays"
    case outboxSettings = "outbox_settings"
    case outboxWaiting = "outbox_waiting"
    case emit
    case epoch
    case firstVersion = "first_version"

    /// Whether each database has one of its own: an event is written where its data are.
    package var isInEveryDatabase: Bool {
        switch self {
        case .outbox, .outboxCursors, .outboxRelays, .outboxSettings, .outboxWaiting, .emit, .epoch, .firstVersion: true
        case .products, .analysisRequests, .analysisResults, .consistencySweeps, .consistencyFindings, .deadLetters,
            .supplierProducts, .listings, .users, .userProfiles, .usersView, .projections:
            false
        }
    }

    /// What the table map of a configuration may move.
    package static let movable = allCases.filter { !$0.isInEveryDatabase }
}

/// Which database and schema each table is in. Code and SQL files name a table, never where it is.
package struct TableMap: Sendable, Hashable {
    package struct Place: Sendable, Hashable {
        package let database: DatabaseName
        package let schema: String
    }

    private var moved: [Table: Place] = [:]

    /// The map that the migrations were written for: a schema per service.
    package init() {}

    /// Where a table is; of those that every database has, the one of `database`.
    package subscript(table: Table, in database: DatabaseName) -> Place {
        moved[table] ?? Self.place(of: table, in: database)
    }

    package subscript(table: Table) -> Place { self[table, in: .dropship] }

    /// Puts a table elsewhere, by the names that a configuration file uses.
    ///
    /// - Throws: `PostgresStoreError` that names the table, for a name that is not known or not a plain SQL name.
    package mutating func move(_ table: String, toDatabase database: String, schema: String) throws {
        guard let name = Table(rawValue: table), !name.isInEveryDatabase else {
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
        let new = Place(database: place, schema: schema)
        moved[name] = new == Self.place(of: name, in: place) ? nil : new
    }

    /// The schemas that a database needs, sorted.
    package func schemas(of database: DatabaseName) -> [String] {
        Set(Table.allCases.map { self[$0, in: database] }.filter { $0.database == database }.map(\.schema)).sorted()
    }

    /// Puts the tables' full names in place of their placeholders.
    ///
    /// - Parameters:
    ///   - label: what the SQL is, for errors.
    ///   - database: whose outbox is meant, where no other table tells.
    /// - Returns: the SQL, and the databases that its tables are in.
    package func render(
        _ sql: String, label: String, in database: DatabaseName? = nil
    ) throws -> (sql: String, databases: Set<DatabaseName>) {
        let parts = try Self.parts(of: sql, label: label)
        var databases: Set<DatabaseName> = []
        for case .table(let table) in parts where !table.isInEveryDatabase {
            databases.insert(self[table, in: .dropship].database)
        }
        if databases.isEmpty, let database { databases = [database] }
        let home = databases.sorted { $0.rawValue < $1.rawValue }.first ?? database
        let rendered = try parts.map { part in
            switch part {
            case .text(let text): return String(text)
            case .table(let table):
                guard let home = table.isInEveryDatabase ? home : self[table].database else {
                    throw PostgresStoreError(.tableMap, "\(label) names the outbox and no database")
                }
                return "\(self[table, in: home].schema).\(table.rawValue)"
            }
        }
        return (rendered.joined(), databases)
    }

    private enum Part {
        case text(Substring)
        case table(Table)
    }

    /// Braces around anything but a plain name are text.
    private static func parts(of sql: String, label: String) throws -> [Part] {
        var parts: [Part] = []
        var rest = sql[...]
        while let open = rest.firstIndex(of: "{") {
            let tail = rest[rest.index(after: open)...]
            guard let close = tail.firstIndex(of: "}"), isPlainName(tail[..<close]) else {
                parts.append(.text(rest[...open]))
                rest = tail
                continue
            }
            guard let table = Table(rawValue: String(tail[..<close])) else {
                throw PostgresStoreError(.tableMap, "\(label) names table \(tail[..<close]), which there is not")
            }
            parts += [.text(rest[..<open]), .table(table)]
            rest = tail[tail.index(after: close)...]
        }
        return parts + [.text(rest)]
    }

    private static func place(of table: Table, in database: DatabaseName) -> Place {
        switch table {
        case .products: Place(database: .dropship, schema: "catalog")
        case .analysisRequests, .analysisResults: Place(database: .dropship, schema: "analysis")
        case .consistencySweeps, .consistencyFindings: Place(database: .dropship, schema: "consistency")
        case .deadLetters: Place(database: .dropship, schema: "events")
        case .supplierProducts: Place(database: .source, schema: "suppliers")
        case .listings: Place(database: .market, schema: "listings")
        case .users, .userProfiles: Place(database: .dropship, schema: "auth")
        case .usersView, .projections: Place(database: .market, schema: "my")
        case .outbox, .outboxCursors, .outboxRelays, .outboxSettings, .outboxWaiting, .emit, .epoch, .firstVersion:
            // Databases may be one in the server: each has its outbox under a name of its own.
            Place(database: database, schema: database == .dropship ? "events" : "\(database)_events")
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
