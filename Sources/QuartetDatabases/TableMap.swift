/// Which database and schema each table is in. Code and SQL files name a table, never where it is.
package struct TableMap: Sendable, Hashable {
    package struct Place: Sendable, Hashable {
        package let database: DatabaseName
        package let schema: String
    }

    package let services: [ServiceSchema]
    private var places: [Table: Place] = [:]
    private let owners: [Table: String]

    /// The map that the migrations were written for: a schema per service.
    package init(services: [ServiceSchema]) {
        self.services = services
        var owners: [Table: String] = [:]
        for service in services {
            for table in service.tables {
                let other = owners.updateValue(service.name, forKey: table)
                precondition(other == nil, "table \(table) is of \(other ?? "") and of \(service.name)")
                places[table] = Place(database: service.database, schema: service.schema)
            }
            for function in service.functions { owners[function] = service.name }
        }
        self.owners = owners
    }

    /// What the table map of a configuration may move, service by service.
    package var movable: [Table] { services.flatMap(\.tables) }

    /// Where a table is; of those that every database has, the one of `database`.
    package subscript(table: Table, in database: DatabaseName) -> Place {
        if let place = places[table] ?? owner(of: table).map(place(of:)) { return place }
        // Databases may be one in the server: each has its outbox under a name of its own.
        return Place(database: database, schema: database == .dropship ? "events" : "\(database)_events")
    }

    package subscript(table: Table) -> Place { self[table, in: .dropship] }

    /// Where a service's tables are, all of them.
    package func place(of service: ServiceSchema) -> Place {
        service.tables.first.map { self[$0] } ?? Place(database: service.database, schema: service.schema)
    }

    package func owner(of table: Table) -> ServiceSchema? {
        owners[table].flatMap { name in services.first { $0.name == name } }
    }

    /// Puts a table elsewhere, by the names that a configuration file uses.
    ///
    /// - Throws: `PostgresStoreError` that names the table, for a name that is not known or not a plain SQL name.
    package mutating func move(
        _ table: String, toDatabase database: String, schema: String, among names: [DatabaseName] = DatabaseName.usual
    ) throws {
        let moved = Table(table)
        guard places[moved] != nil else {
            throw PostgresStoreError(.tableMap, "the table map names table \(table), which there is not")
        }
        let name = DatabaseName(rawValue: database)
        guard names.contains(name) else {
            throw PostgresStoreError(
                .tableMap, "the table map puts \(table) into database \(database), which there is not")
        }
        guard Self.isPlainName(schema) else {
            throw PostgresStoreError(
                .tableMap,
                "the table map puts \(table) into schema \"\(schema)\": use 1 to 63 of a-z, 0-9 and _, no digit first")
        }
        places[moved] = Place(database: name, schema: schema)
    }

    /// - Throws: `PostgresStoreError` that names two tables of one service which the map puts apart.
    package func requireServicesTogether() throws {
        for service in services {
            guard let first = service.tables.first else { continue }
            for table in service.tables.dropFirst() where self[table] != self[first] {
                throw PostgresStoreError(
                    .tableMap,
                    "the table map puts \(first) into \(name(self[first])) and \(table) into \(name(self[table])), but "
                        + "both are the service \(service.name)'s, whose tables stay together")
            }
        }
    }

    private func name(_ place: Place) -> String { "\(place.database), schema \(place.schema)" }

    /// The schemas that a database needs, sorted.
    package func schemas(of database: DatabaseName) -> [String] {
        let own = services.map(place(of:)).filter { $0.database == database }.map(\.schema)
        return Set(own + [self[.outbox, in: database].schema]).sorted()
    }

    /// SQL with the tables' full names in place of their placeholders.
    package struct Rendered: Sendable {
        package let sql: String
        /// Without those of the outbox, in the order in which they are named first.
        package let tables: [Table]
        package let databases: Set<DatabaseName>
    }

    /// - Parameters:
    ///   - label: what the SQL is, for errors.
    ///   - database: whose outbox is meant, where no other table tells.
    package func render(_ sql: String, label: String, in database: DatabaseName? = nil) throws -> Rendered {
        let parts = try parts(of: sql, label: label)
        var tables: [Table] = []
        for case .table(let table) in parts where !table.isInEveryDatabase && !tables.contains(table) {
            tables.append(table)
        }
        var databases = Set(tables.map { self[$0].database })
        if databases.isEmpty, let database { databases = [database] }
        let home = databases.sorted().first ?? database
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
        return Rendered(sql: rendered.joined(), tables: tables, databases: databases)
    }

    private enum Part {
        case text(Substring)
        case table(Table)
    }

    /// Braces around anything but a plain name are text.
    private func parts(of sql: String, label: String) throws -> [Part] {
        var parts: [Part] = []
        var rest = sql[...]
        while let open = rest.firstIndex(of: "{") {
            let tail = rest[rest.index(after: open)...]
            guard let close = tail.firstIndex(of: "}"), Self.isPlainName(tail[..<close]) else {
                parts.append(.text(rest[...open]))
                rest = tail
                continue
            }
            let table = Table(String(tail[..<close]))
            guard table.isInEveryDatabase || owners[table] != nil else {
                throw PostgresStoreError(.tableMap, "\(label) names table \(table), which there is not")
            }
            parts += [.text(rest[..<open]), .table(table)]
            rest = tail[tail.index(after: close)...]
        }
        return parts + [.text(rest)]
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
