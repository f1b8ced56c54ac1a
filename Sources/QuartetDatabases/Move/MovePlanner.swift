import Postgres

/// Finds out what goes where, looking at both sides and changing neither.
struct MovePlanner {
    let databases: Databases
    let options: MoveOptions
    /// What looks after references into other databases, by `table.column`.
    let cures: [String: String]
    let source: MoveCatalog
    let identity: String

    private struct Side {
        let relation: MoveCatalog.Relation
        let columns: [MoveCatalog.Column]
    }

    func plan() async throws -> MovePlan {
        var plan = MovePlan()
        let known = Set(databases.tables.movable.map(\.rawValue))
        for table in named where !known.contains(table) {
            plan.problems.append("\(table) is no table of the table map: see `tables` in config/quartet.yaml")
        }
        let sinks = try await source.undelivered()
        if !sinks.isEmpty {
            plan.problems.append(
                "the source has events that are not delivered yet (\(sinks.joined(separator: ", "))): "
                    + "stop its callers, let its relays finish, then move")
        }
        let relations = try await source.tables()
        for table in databases.tables.movable {
            try await place(table, among: relations, &plan)
        }
        let taken = Set(plan.tables.map(\.source) + plan.inPlace)
        plan.left = relations.filter { !taken.contains($0.described) && !Self.isHousekeeping($0) }.map(\.described)
        plan.absent = databases.tables.movable.map(\.rawValue).filter { name in
            !plan.tables.contains { $0.table == name } && !relations.contains { $0.name == name }
        }
        try await putInOrder(&plan)
        return plan
    }

    private var named: Set<String> {
        Set(options.expressions.keys.map { String($0.prefix { $0 != "." }) }).union(options.again)
    }

    /// Each database has its own, made anew.
    private static func isHousekeeping(_ relation: MoveCatalog.Relation) -> Bool {
        Table(relation.name).isInEveryDatabase || relation.name.hasSuffix("_migrations")
            || relation.name == MoveLedger.name
    }

    // MARK: Tables

    private func place(_ table: Table, among relations: [MoveCatalog.Relation], _ plan: inout MovePlan) async throws {
        let name = table.rawValue
        guard !options.leaving.contains(name) else { return }
        let place = databases.tables[table]
        var found = relations.filter { $0.name == name && (options.schema == nil || $0.schema == options.schema) }
        if found.count > 1 { found = found.filter { $0.schema == place.schema } }
        guard let relation = found.first else {
            let schemas = relations.filter { $0.name == name }.map(\.schema)
            if !schemas.isEmpty {
                plan.problems.append(
                    "\(name) is in the source's schemas \(schemas.joined(separator: ", ")): name one by --schema, or "
                        + "leave them by --leave \(name)")
            }
            return
        }
        let target = MoveCatalog.Relation(schema: place.schema, name: name)
        let columns = try await source.columns(of: relation)
        let extensions = try await source.extensions(of: relation)
        let rows = try await source.count(of: relation)
        try await Move.session(databases.client(of: place.database)) { session in
            let catalog = MoveCatalog(session: session)
            if target.described == relation.described, try await catalog.identity() == identity {
                plan.inPlace.append(target.described)
                return
            }
            let targetColumns = try await catalog.columns(of: target)
            let key = try await catalog.key(of: target)
            let mapped = try await map(
                Side(relation: relation, columns: columns), Side(relation: target, columns: targetColumns), &plan)
            let first = key.compactMap { part in mapped.first { $0.name == part } }
            let move = MovePlan.TableMove(
                table: name, source: relation.described, database: place.database, target: target.described, rows: rows,
                columns: first + mapped.filter { !key.contains($0.name) }, from: relation, to: target,
                keyCount: first.count == key.count ? key.count : 0,
                isOnePiece: try await catalog.foreignKeys().contains { $0.table == target && $0.target == target })
            plan.tables.append(move)
            try await look(at: target, for: move, catalog, &plan)
            for column in targetColumns {
                guard let sequence = column.sequence else { continue }
                let own = columns.first { $0.name == column.name }?.sequence
                plan.sequences.append(
                    MovePlan.Sequence(
                        table: name, column: column.name, database: place.database, target: sequence,
                        last: try await own.asyncMap(last)))
            }
            try await require(extensions, of: name, in: place.database, catalog, &plan)
        }
    }

    private func last(of sequence: String) async throws -> Int64? {
        try await source.single(
            "SELECT CASE WHEN is_called THEN last_value END FROM \(sequence)", "move.last_value"
        ).decode(0, as: Int64?.self)
    }

    /// What is in the target already is this move's, or nobody knows what it is.
    private func look(
        at target: MoveCatalog.Relation, for move: MovePlan.TableMove, _ catalog: MoveCatalog, _ plan: inout MovePlan
    ) async throws {
        let ledger = MoveLedger(schema: databases.tables[.outbox, in: move.database].schema)
        let entry = try await ledger.entry(of: move.table, catalog.session)
        guard !options.again.contains(move.table) else { return }
        if let entry, entry.source != identity {
            plan.problems.append(
                "\(move.table) came from another source (\(entry.source)): copy it again by --again \(move.table)")
        } else if entry == nil, try await catalog.hasRows(target) {
            plan.problems.append(
                "\(target.described) of database \(move.database) has rows already that no move brought: leave it by "
                    + "--leave \(move.table), or empty it and copy by --again \(move.table)")
        }
    }

    private func require(
        _ extensions: [String], of table: String, in database: DatabaseName, _ catalog: MoveCatalog,
        _ plan: inout MovePlan
    ) async throws {
        for name in extensions where !plan.extensions.contains(where: { $0.name == name && $0.database == database }) {
            let literal = MoveCatalog.literal(name)
            let (isThere, canBe) = try await catalog.single(
                """
                SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = \(literal)),
                    EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = \(literal))
                """, "move.extension"
            ).decode(Bool.self, Bool.self)
            plan.extensions.append(MovePlan.Extension(name: name, database: database, isThere: isThere))
            guard !isThere, !canBe else { continue }
            plan.problems.append(
                "\(table) needs the extension \(name), which the server of database \(database) does not have: "
                    + "install its package there")
        }
    }

    // MARK: Columns

    private func map(
        _ from: Side, _ to: Side, _ plan: inout MovePlan
    ) async throws -> [MovePlan.Column] {
        let table = to.relation.name
        var mapped: [MovePlan.Column] = []
        for column in to.columns where !column.isGenerated {
            let place = "\(table).\(column.name)"
            let own = from.columns.first { $0.name == column.name }
            guard let expression = options.expressions[place] ?? own.map({ MoveCatalog.quoted($0.name) }) else {
                if column.isRequired {
                    plan.problems.append(
                        "\(from.relation.described) has no \(column.name) (\(column.type)), which \(table) needs: "
                            + "say what gives it, as --column \(place)=SQL")
                }
                continue
            }
            mapped.append(
                MovePlan.Column(
                    name: column.name, expression: expression, type: column.type, isCollated: column.isCollated))
            let isOwn = options.expressions[place] == nil
            if let problem = try await problem(
                expression, as: column.type, from: isOwn ? own?.type : nil, in: from.relation)
            {
                plan.problems.append("\(place) can't be had from \(from.relation.described): \(problem)")
            }
        }
        for path in options.expressions.keys.sorted() where path.hasPrefix("\(table).") {
            guard !to.columns.contains(where: { "\(table).\($0.name)" == path && !$0.isGenerated }) else { continue }
            plan.problems.append("\(path) is no column of \(to.relation.described) that can be given")
        }
        let used = options.expressions.filter { $0.key.hasPrefix("\(table).") }.map(\.value)
        for column in from.columns where !to.columns.contains(where: { $0.name == column.name }) {
            let path = "\(table).\(column.name)"
            if options.leaving.contains(path) {
                plan.leftColumns.append(path)
            } else if !used.contains(where: { $0.contains(column.name) }) {
                plan.problems.append(
                    "\(path) of the source has no place: put it into a column as --column \(table).COLUMN=SQL, or leave "
                        + "it behind by --leave \(path)")
            }
        }
        return mapped
    }

    /// Nil if every row's value can be had as `type` and comes back as what it was. A plan meets bad rows before a copy does.
    private func problem(
        _ expression: String, as type: String, from own: String?, in relation: MoveCatalog.Relation
    ) async throws -> String? {
        guard own != type else { return nil }
        // What somebody has said is meant, and json, which has no equality, need only be possible.
        let other =
            if let own, !(own == "json" && type == "jsonb") {
                "(\(expression)) IS DISTINCT FROM ((\(expression))::\(type))::\(own)"
            } else {
                // Never so, but found out for every row.
                "length(((\(expression))::\(type))::text) < 0"
            }
        let sql = "SELECT min((\(expression))::text) FROM \(relation.quoted) WHERE \(other)"
        do {
            try await source.session.execute(script: "SAVEPOINT probe")
            let row = try await source.single(sql, "move.probe")
            guard !row.isNull(0) else { return nil }
            return "\(try row.decode(0, as: String.self)) is not the same as \(type); say what is, as --column"
        } catch let error as PostgresError where error.sqlState != nil {
            try await source.session.execute(script: "ROLLBACK TO probe")
            return "\(error)"
        }
    }

    // MARK: Order

    private func putInOrder(_ plan: inout MovePlan) async throws {
        var referred: [String: Set<String>] = [:]
        for database in Set(plan.tables.map(\.database)) {
            try await Move.session(databases.client(of: database)) { session in
                for key in try await MoveCatalog(session: session).foreignKeys() where key.table != key.target {
                    referred["\(database) \(key.table.described)", default: []].insert(
                        "\(database) \(key.target.described)")
                }
            }
        }
        var waiting = plan.tables
        var ordered: [MovePlan.TableMove] = []
        func name(_ move: MovePlan.TableMove) -> String { "\(move.database) \(move.target)" }
        while !waiting.isEmpty {
            let names = Set(waiting.map(name))
            let next = waiting.filter { referred[name($0), default: []].isDisjoint(with: names) }
            // Tables that refer to each other come as they are; the server tells if that can't be.
            let free = next.isEmpty ? waiting : next
            ordered += free
            waiting.removeAll { move in free.contains { name($0) == name(move) } }
        }
        plan.tables = ordered
        let moves = Dictionary(plan.tables.map { ($0.source, $0) }) { first, _ in first }
        for key in try await source.foreignKeys() {
            guard let move = moves[key.table.described] else { continue }
            let target = moves[key.target.described]
            let isAcross = target?.database != move.database
            let isKept = target.map { referred[name(move), default: []].contains(name($0)) || name($0) == name(move) }
            guard isAcross || isKept != true else { continue }
            plan.foreignKeys.append(
                MovePlan.ForeignKey(
                    table: move.table, name: key.name, definition: key.definition, isAcross: isAcross,
                    cure: key.columns.lazy.compactMap { cures["\(move.table).\($0)"] }.first))
        }
    }
}

extension Optional {
    fileprivate func asyncMap<Value>(_ body: (Wrapped) async throws -> Value?) async throws -> Value? {
        guard let self else { return nil }
        return try await body(self)
    }
}
