import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// A reference from one database into another, as its tables say.
package struct PostgresReferenceCheckStore: ReferenceCheckStore {
    /// Changes one row by the rules of its service: version, event.
    package typealias Mend = @Sendable (_ row: ReferenceFacts) async throws -> Void

    private let reference: Reference
    private let walk, byKey, presence: StoreStatement
    private let mendRow: Mend

    package var name: String { "\(reference.table).\(reference.column)" }
    package var target: String { "\(reference.target)" }
    package var cure: ReferenceCure { reference.cure }

    package init(_ reference: Reference, databases: Databases, mend: @escaping Mend) throws {
        self.reference = reference
        mendRow = mend
        let row = """
            SELECT \(reference.key), \(reference.column)::text, version, updated_at FROM {\(reference.table)}
            WHERE deleted_at IS NULL AND \(reference.column) IS NOT NULL
            """
        let statements = try databases.statements(
            in: SQLFile(
                label: "references of \(reference.table)",
                statements: [
                    "walk": "\(row) AND \(reference.key) > $1::text ORDER BY \(reference.key) LIMIT $2::bigint",
                    "by_key": "\(row) AND \(reference.key) = ANY ($1::text[])",
                ]))
        walk = try statements.named("walk")
        byKey = try statements.named("by_key")
        let targets = SQLFile(label: "targets of \(reference.table)", statements: ["presence": reference.presence])
        presence = try databases.statements(in: targets).named("presence")
    }

    package func references(behind after: String?, limit: Int) async throws -> [ReferenceFacts] {
        try await walk.runAlone(after ?? "", limit).map(Self.facts)
    }

    package func references(_ keys: [String]) async throws -> [ReferenceFacts?] {
        guard !keys.isEmpty else { return [] }
        let found = try await byKey.runAlone(keys).map(Self.facts)
        let rows = Dictionary(found.map { ($0.key, $0) }) { first, _ in first }
        return keys.map { rows[$0] }
    }

    package func present(_ targets: Set<String>) async throws -> Set<String> {
        guard !targets.isEmpty else { return [] }
        return Set(try await presence.runAlone(targets.sorted()).map { try $0.decode(0, as: String.self) })
    }

    package func mend(_ references: [ReferenceFacts]) async throws {
        guard cure != .report else { return }
        for row in references { try await mendRow(row) }
    }

    private static func facts(_ row: PostgresRow) throws -> ReferenceFacts {
        let (key, target, version, changedAt) = try row.decode(String.self, String.self, Int64.self, Date.self)
        return ReferenceFacts(key: key, target: target, version: version, changedAt: changedAt)
    }
}
