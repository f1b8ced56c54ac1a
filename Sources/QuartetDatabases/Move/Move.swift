import ClientSupport
package import Postgres

/// Splits one database into those of the table map: rows go from server to server by COPY, in the order of their keys, a piece
/// in one transaction with the note of how far it is. The source is only read.
///
/// What the databases need, `quartet migrate` has made there; so structure, indexes and rights are not copied.
package struct Move {
    private static let lockKey: Int64 = 0x7175_6172_7465_7403
    /// Large tables take hours, and nobody waits for them.
    static var patience: Deadline { .after(.seconds(7 * 86_400)) }
    /// Both sides write values alike, and the source may not be written.
    private static let settings = """
        SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres';
        SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0;
        SET LOCAL idle_in_transaction_session_timeout = 0;
        """

    private let source: PostgresClient
    private let databases: Databases
    private let options: MoveOptions
    private let cures: [String: String]

    /// - Parameter cures: what looks after references into other databases, by `table.column`.
    package init(
        from source: PostgresClient, to databases: Databases, options: MoveOptions, cures: [String: String] = [:]
    ) {
        self.source = source
        self.databases = databases
        self.options = options
        self.cures = cures
    }

    package func plan() async throws -> MovePlan {
        try await reading(source) { session in
            let catalog = MoveCatalog(session: session)
            return try await MovePlanner(
                databases: databases, options: options, cures: cures, source: catalog,
                identity: catalog.identity()
            ).plan()
        }
    }

    /// Copies what is not there yet, sets the numbers that the servers give out, and compares both sides.
    ///
    /// - Throws: `PostgresStoreError` for a plan with problems, or where somebody else moves already.
    package func run(_ plan: MovePlan, observe: (MoveProgress) -> Void = { _ in }) async throws -> MoveReport {
        guard plan.problems.isEmpty else {
            throw PostgresStoreError(.migration, plan.problems.joined(separator: "\n"))
        }
        guard let home = databases.names.first else { throw PostgresStoreError(.tableMap, "there is no database") }
        let report = try await databases.client(of: home).withAdvisoryLockIfFree(Self.lockKey) { _ in
            try await runAlone(plan, observe)
        }
        guard let report else {
            throw PostgresStoreError(.contention, "somebody else moves into these databases: wait for it, or stop it")
        }
        return report
    }

    private func runAlone(_ plan: MovePlan, _ observe: (MoveProgress) -> Void) async throws -> MoveReport {
        let started = ContinuousClock.now
        try await prepare(plan)
        let rows = try await reading(source) { session in
            let identity = try await MoveCatalog(session: session).identity()
            var rows = 0
            for table in plan.tables { rows += try await copy(table, from: session, identity, observe) }
            return rows
        }
        for sequence in plan.sequences { try await set(sequence) }
        // In a look of its own, which sees what was written to the source meanwhile.
        let comparisons = try await reading(source) { session in
            var comparisons: [MoveReport.Comparison] = []
            for table in plan.tables { comparisons.append(try await compare(table, session)) }
            return comparisons
        }
        return MoveReport(
            copiedRows: rows, seconds: started.duration(to: .now).seconds, comparisons: comparisons, plan: plan)
    }

    // MARK: Steps

    private func prepare(_ plan: MovePlan) async throws {
        for lacking in plan.extensions where !lacking.isThere {
            try await databases.client(of: lacking.database).execute(
                script: "CREATE EXTENSION IF NOT EXISTS \(MoveCatalog.quoted(lacking.name))")
        }
        // What refers to others goes first.
        for table in plan.tables.reversed() {
            let ledger = ledger(of: table)
            try await writing(table) { session in
                try await ledger.make(session)
                guard options.again.contains(table.table) else { return }
                try await session.execute(script: "DELETE FROM \(table.to.quoted)", deadline: Self.patience)
                try await ledger.forget(table.table, session)
            }
        }
    }

    private func copy(
        _ table: MovePlan.TableMove, from source: PostgresSession, _ identity: String,
        _ observe: (MoveProgress) -> Void
    ) async throws -> Int {
        let ledger = ledger(of: table)
        var done = try await Self.session(databases.client(of: table.database)) {
            try await ledger.entry(of: table.table, $0)
        }
        let before = done?.rows ?? 0
        observe(MoveProgress(table: table.table, rows: before, total: table.rows))
        guard done?.isWhole != true else { return 0 }
        let pieces = CopiedPieces(
            source.copyOut(Self.reading(table, after: done?.after), deadline: Self.patience),
            keyCount: table.key.count)
        let rowsMin = table.key.isEmpty ? Int.max : options.rowsPerPiece
        let names = table.columns.map { MoveCatalog.quoted($0.name) }.joined(separator: ", ")
        repeat {
            let entry = try await writing(table) { session in
                let rows = try await session.copyIn(
                    "COPY \(table.to.quoted) (\(names)) FROM STDIN", from: pieces.piece(rowsMin: rowsMin),
                    deadline: Self.patience)
                let entry = MoveLedger.Entry(
                    source: identity, after: pieces.last ?? done?.after, rows: (done?.rows ?? 0) + rows,
                    isWhole: pieces.isAtEnd)
                try await ledger.note(entry, of: table.table, session)
                return entry
            }
            done = entry
            observe(MoveProgress(table: table.table, rows: entry.rows, total: table.rows))
        } while !pieces.isAtEnd
        return (done?.rows ?? 0) - before
    }

    private static func reading(_ table: MovePlan.TableMove, after: [String]?) -> String {
        let list = table.columns.map(\.selected).joined(separator: ", ")
        var sql = "SELECT \(list) FROM \(table.from.quoted)"
        if let after, !after.isEmpty {
            let values = zip(table.key, after).map { "\(MoveCatalog.literal($1))::\($0.type)" }
            let key = table.key.map(\.ordered).joined(separator: ", ")
            sql += " WHERE (\(key)) > (\(values.joined(separator: ", ")))"
        }
        if !table.key.isEmpty { sql += " ORDER BY \(table.key.map(\.ordered).joined(separator: ", "))" }
        return "COPY (\(sql)) TO STDOUT"
    }

    private func compare(
        _ table: MovePlan.TableMove, _ session: PostgresSession
    ) async throws -> MoveReport.Comparison {
        let there = try await digest(table.columns.map(\.selected), of: table.from.quoted, session)
        let here = try await reading(databases.client(of: table.database)) { session in
            try await digest(table.columns.map { MoveCatalog.quoted($0.name) }, of: table.to.quoted, session)
        }
        return MoveReport.Comparison(
            table: table.table, database: table.database, sourceRows: there.rows, rows: here.rows,
            sourceDigest: there.digest, digest: here.digest)
    }

    /// A sum over the rows, which does not depend on their order.
    private func digest(
        _ columns: [String], of table: String, _ session: PostgresSession
    ) async throws -> (rows: Int, digest: String) {
        let (rows, digest) = try await MoveCatalog(session: session).single(
            """
            SELECT count(*), coalesce(sum(('x' || left(md5(ROW(\(columns.joined(separator: ", ")))::text), 15))
                ::bit(60)::bigint), 0)::text FROM \(table)
            """, "move.digest"
        ).decode(Int64.self, String.self)
        return (Int(rows), digest)
    }

    /// Behind the highest number that is there, and behind all that were given out.
    private func set(_ sequence: MovePlan.Sequence) async throws {
        guard let table = databases.tables.movable.first(where: { $0.rawValue == sequence.table }) else { return }
        let relation = MoveCatalog.Relation(schema: databases.tables[table].schema, name: sequence.table)
        let highest = """
            SELECT greatest((SELECT max(\(MoveCatalog.quoted(sequence.column))) FROM \(relation.quoted)),
                (SELECT CASE WHEN is_called THEN last_value END FROM \(sequence.target)), $1::bigint) AS value
            """
        let statement = PostgresStatement(
            "SELECT setval($2::regclass, value) FROM (\(highest)) h WHERE value IS NOT NULL", name: "move.sequence",
            sequence.last, sequence.target)
        _ = try await databases.client(of: sequence.database).query(statement, deadline: Self.patience)
    }

    // MARK: Sessions

    private func reading<Value: Sendable>(
        _ client: PostgresClient, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        try await client.transaction(isolation: .repeatableRead, access: .readOnly, deadline: Self.patience) {
            try await $0.execute(script: Self.settings)
            return try await body($0)
        }
    }

    /// Without the table's triggers: what they would do is among the rows that are moved, or is not wanted. A table that
    /// somebody holds is waited for in turns.
    private func writing<Value: Sendable>(
        _ table: MovePlan.TableMove, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let (deadline, backoff) = (Deadline.after(.seconds(600)), Backoff(base: .milliseconds(100), max: .seconds(2)))
        var attempt = 0
        while true {
            do {
                return try await writeOnce(table, body)
            } catch let held as TableIsHeld {
                let next = ContinuousClock.now.advanced(by: backoff.delay(attempt: attempt))
                guard next < deadline.instant else { throw held.error }
                try await ContinuousClock().sleep(until: next)
                attempt += 1
            }
        }
    }

    /// Somebody else works on it: what a move that was killed had sent, for one.
    private struct TableIsHeld: Error {
        let error: PostgresError
    }

    private func writeOnce<Value: Sendable>(
        _ table: MovePlan.TableMove, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        try await databases.client(of: table.database).transaction(deadline: Self.patience) { session in
            do {
                try await session.execute(
                    script: Self.settings + "ALTER TABLE \(table.to.quoted) DISABLE TRIGGER USER")
            } catch let error as PostgresError where error.isContended {
                throw TableIsHeld(error: error)
            }
            let value = try await body(session)
            try await session.execute(script: "ALTER TABLE \(table.to.quoted) ENABLE TRIGGER USER")
            return value
        }
    }

    static func session<Value: Sendable>(
        _ client: PostgresClient, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        try await client.withSession(deadline: patience, body)
    }

    private func ledger(of table: MovePlan.TableMove) -> MoveLedger {
        MoveLedger(schema: databases.tables[.outbox, in: table.database].schema)
    }
}
