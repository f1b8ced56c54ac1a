import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// A service's rows as the source of an aging cache. The table has the columns `last_cached_at` and `deleted_at` and an
/// index on `(last_cached_at NULLS FIRST, KEY) WHERE deleted_at IS NULL`.
package struct AgingRows: AgingSource {
    package let name: String
    /// Whose rows they are.
    let service: String
    private let nextTurn, stampTurn, countTurns, forget: StoreStatement

    /// The rows of a resource.
    package init(_ resource: Resource, of service: ServiceSchema, databases: Databases) throws {
        try self.init(
            resource.name, of: service, from: "{\(resource.table)} t", key: (resource.key, "text"),
            document: ResourceSQL(resource).document("t"), databases: databases)
    }

    /// - Parameters:
    ///   - from: the table as `t`, and what its documents take beside it.
    ///   - document: gives the text that callers get.
    package init(
        _ name: String, of service: ServiceSchema, from: String, key: (column: String, type: String),
        document: String, databases: Databases
    ) throws {
        self.name = name
        self.service = service.name
        let table = from.prefix { $0 != " " }
        let next = { (condition: String, parameter: String) in
            """
            (SELECT t.\(key.column)::text, \(document) FROM \(from)
            WHERE t.deleted_at IS NULL AND t.last_cached_at \(condition)
            ORDER BY t.last_cached_at NULLS FIRST, t.\(key.column) LIMIT \(parameter)::bigint)
            """
        }
        let statements = try databases.statements(
            in: SQLFile(
                label: "turns of \(name)",
                statements: [
                    "next": next("IS NULL", "$1") + " UNION ALL " + next("IS NOT NULL", "$2"),
                    // Whoever changes a row now is not waited for.
                    "stamp": """
                    UPDATE \(table) t SET last_cached_at = clock_timestamp() FROM (
                        SELECT \(key.column) FROM \(table) WHERE \(key.column) = ANY ($1::text[]::\(key.type)[])
                        ORDER BY \(key.column) FOR NO KEY UPDATE SKIP LOCKED
                    ) s WHERE t.\(key.column) = s.\(key.column)
                    """,
                    "turns": """
                    SELECT count(*), count(*) FILTER (WHERE last_cached_at IS NULL), min(last_cached_at)
                    FROM \(table) WHERE deleted_at IS NULL
                    """,
                    "forget": """
                    WITH chosen AS (
                        SELECT \(key.column) FROM \(table) WHERE \(key.column)::text COLLATE "C" > $1::text
                            AND last_cached_at IS NOT NULL
                        ORDER BY \(key.column)::text COLLATE "C" LIMIT $2::bigint FOR NO KEY UPDATE
                    ), changed AS (
                        UPDATE \(table) t SET last_cached_at = NULL FROM chosen s WHERE t.\(key.column) = s.\(key.column)
                        RETURNING t.\(key.column)::text COLLATE "C" AS id
                    )
                    SELECT max(id), count(*) FROM changed HAVING count(*) > 0
                    """,
                ]), of: service)
        nextTurn = try statements.named("next")
        stampTurn = try statements.named("stamp")
        countTurns = try statements.named("turns")
        forget = try statements.named("forget")
    }

    package func next(new: Int, old: Int) async throws -> [AgingRow] {
        try await nextTurn.run(new, old).map { row in
            let (id, json) = try row.decode(String.self, [UInt8].self)
            return AgingRow(id: id, json: json)
        }
    }

    package func stamp(_ ids: [String]) async throws { _ = try await stampTurn.runAlone(ids) }

    package func turns() async throws -> AgingTurns {
        let (rows, new, oldest) = try await countTurns.runAlone().single().decode(Int.self, Int.self, Date?.self)
        return AgingTurns(rows: rows, new: new, oldest: oldest)
    }

    package func forgetTurns(after id: String, limit: Int) async throws -> (id: String, count: Int)? {
        try await forget.runAlone(id, limit).first.map { try $0.decode(String.self, Int.self) }
    }
}
