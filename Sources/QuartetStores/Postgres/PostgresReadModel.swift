package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// A read model's table beside its source, which may be in another database.
package struct PostgresReadModel: ReadModelStore {
    /// How far a copy is.
    package struct State: Sendable {
        /// The newest change that it has: its version, when it happened and when it was applied.
        package struct Position: Sendable {
            package let version: Int64
            package let changedAt: Date
            package let appliedAt: Date
        }

        package let rows: Int
        package let position: Position?
        package let copiedRows: Int
        package let completedAt: Date?
        package let error: String?
        package let failedAt: Date?
    }

    package let projection: any Projection
    let statements: StatementSet
    private let consequences: [StoreStatement]
    private let applyRows, readState, readPosition, noteError, readSource, readSourcePosition,
        countChanged: StoreStatement

    /// - Throws: `PostgresStoreError` for a projection whose source or table is not known.
    package init(_ projection: any Projection, databases: Databases) throws {
        let table = Table(projection.name)
        guard databases.tables.owner(of: table) != nil else {
            throw PostgresStoreError(.tableMap, "the read model \(projection.name) has no table of that name")
        }
        self.projection = projection
        let text = String(decoding: PackageResources.read_models_sql, as: UTF8.self)
        statements = try databases.statements(
            in: SQLFile(label: "read_models.sql of \(projection.name)", text: projection.filling(text, of: table)))
        let following = projection.consequences.enumerated().map { ("consequence_\($0)_of_\(projection.name)", $1) }
        let file = SQLFile(
            label: "consequences of \(projection.name)", statements: Dictionary(uniqueKeysWithValues: following))
        let followers = try databases.statements(in: file)
        consequences = try following.map { try followers.named($0.0) }
        applyRows = try statements.named("apply")
        readState = try statements.named("state")
        readPosition = try statements.named("position")
        noteError = try statements.named("note_error")
        readSource = try statements.named("source_state")
        readSourcePosition = try statements.named("source_position")
        countChanged = try statements.named("source_changed_since")
    }

    package func apply(_ rows: [ReadModelRow]) async throws {
        // Of one that comes twice the newest counts.
        let newest = Dictionary(rows.map { ($0.key, $0) }) { $0.version >= $1.version ? $0 : $1 }
        guard !newest.isEmpty else { return }
        let json = projection.json(of: newest.values)
        guard !consequences.isEmpty else { return try await explaining { _ = try await applyRows.runAlone(json) } }
        let keys = newest.keys.sorted()
        try await explaining {
            try await applyRows.transaction { work in
                _ = try await work.run(applyRows, json)
                for statement in consequences { _ = try await work.run(statement, keys) }
            }
        }
    }

    package func note(_ error: String) async {
        // It goes into the log as well.
        _ = try? await noteError.run(projection.name, String(error.prefix(2_000)))
    }

    // MARK: How it stands

    package func state() async throws -> State {
        let row = try await explaining { try await readState.runAlone(projection.name) }.single()
        let (rows, version, changedAt, appliedAt, copiedRows, completedAt, error, failedAt) = try row.decode(
            Int.self, Int64?.self, Date?.self, Date?.self, Int.self, Date?.self, String?.self, Date?.self)
        var position: State.Position?
        if let version, let changedAt, let appliedAt {
            position = State.Position(version: version, changedAt: changedAt, appliedAt: appliedAt)
        }
        return State(
            rows: rows, position: position, copiedRows: copiedRows, completedAt: completedAt, error: error,
            failedAt: failedAt)
    }

    /// How many rows the source has, when one was changed last, and what time it is there.
    package func source() async throws -> (rows: Int, changedAt: Date?, now: Date) {
        try await readSource.runAlone().single().decode(Int.self, Date?.self, Date.self)
    }

    /// How many of the source's rows were changed since.
    package func sourceChanges(since date: Date) async throws -> Int {
        try await countChanged.runAlone(date).single().decode(0, as: Int.self)
    }

    /// How much newer the source's last change is than the copy's.
    package func lag() async throws -> (behind: Duration, position: Date?) {
        let position = try await readPosition.run().single().decode(0, as: Date?.self)
        guard let changedAt = try await readSourcePosition.run().single().decode(0, as: Date?.self) else {
            return (.zero, position)
        }
        guard let position else { return (.seconds(Date.now.timeIntervalSince(changedAt)), nil) }
        return (.seconds(max(0, changedAt.timeIntervalSince(position))), position)
    }

    /// Has a table that somebody changed told of as that: no event is to blame, they wait until it is put right.
    nonisolated(nonsending) func explaining<Value>(
        _ body: nonisolated(nonsending) () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as PostgresError where error.saysIsAltered(projection) {
            throw PostgresStoreError(
                .alteredTable,
                "\(projection.name) is not as quartet migrate made it, put that right and events go on: \(error)")
        }
    }
}

extension PostgresError {
    /// A column, a table or a right that is not there, a column that takes other values, or one more that wants some.
    fileprivate func saysIsAltered(_ projection: any Projection) -> Bool {
        guard let sqlState else { return false }
        if sqlState == "23502" { return !projection.allColumns.contains { message.contains("\"\($0)\"") } }
        return sqlState.hasPrefix("42") || sqlState == "22P03" || sqlState == "55000"
    }
}

extension Projection {
    var allColumns: [String] { [key.column] + columns + ["version", "is_deleted", "changed_at"] }

    /// The statements of every read model as they are for this one.
    fileprivate func filling(_ text: String, of table: Table) -> String {
        let updates = (columns + ["version", "is_deleted", "changed_at"]).map { "\($0) = excluded.\($0)" }
        let words = [
            ("<table>", "{\(table.rawValue)}"), ("<name>", name), ("<key>", key.column), ("<key_type>", key.type),
            ("<columns>", allColumns.joined(separator: ", ")), ("<updates>", updates.joined(separator: ", ")),
            ("<source>", source), ("<values>", columns.joined(separator: ", ")), ("<progress>", "{\(progress)}"),
        ]
        return words.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    fileprivate func json(of rows: some Collection<ReadModelRow>) -> PostgresJSON {
        var writer = JSONWriter(capacity: 256 * rows.count)
        writer.array { writer in
            for row in rows {
                writer.object { writer in
                    writer.field(key.column, row.key)
                    writer.field("version", row.version)
                    writer.key("is_deleted")
                    writer.value(row.isDeleted)
                    writer.field("changed_at", InternetTime(row.changedAt).text)
                    for (column, value) in row.values { writer.field(column, ifPresent: value) }
                }
            }
        }
        return PostgresJSON(writer.bytes)
    }
}
