import Foundation

/// A migration that runs outside a transaction, in steps that may each be done again: what takes long while others go on.
/// Its first line says so.
struct LongMigration: Sendable {
    enum Step: Sendable, Hashable {
        /// In a transaction of its own.
        case statement(String)
        /// `CREATE INDEX CONCURRENTLY IF NOT EXISTS`.
        case index(name: String, sql: String)
        /// Run again and again: takes where it is (null at first), and gives where it is then and how many rows that were; no
        /// row at the end.
        case backfill(String)
    }

    static let mark = "-- outside a transaction"
    private static let backfillMark = "-- backfill"

    let steps: [Step]

    /// Nil for a migration that is one transaction.
    init?(_ sql: String) throws {
        let lines = sql.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first?.hasPrefix(Self.mark) ?? false else { return nil }
        var steps: [Step] = []
        var (statement, isBackfill) = ([Substring](), false)
        for line in lines {
            if line.hasPrefix(Self.backfillMark) { isBackfill = true }
            guard !line.hasPrefix("--"), !line.allSatisfy(\.isWhitespace) else { continue }
            statement.append(line)
            guard line.hasSuffix(";") else { continue }
            steps.append(try Self.step(statement.joined(separator: "\n"), isBackfill: isBackfill))
            (statement, isBackfill) = ([], false)
        }
        guard statement.isEmpty, !steps.isEmpty else {
            throw PostgresStoreError(
                .migration, "a migration outside a transaction has statements that end with ; at a line's end")
        }
        self.steps = steps
    }

    private static func step(_ text: String, isBackfill: Bool) throws -> Step {
        let sql = String(text.dropLast())
        if isBackfill { return .backfill(sql) }
        guard sql.contains(/\bCONCURRENTLY\b/) else { return .statement(sql) }
        guard let index = sql.firstMatch(of: /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+) ON\s/) else {
            throw PostgresStoreError(
                .migration, "outside a transaction an index is made by CREATE INDEX CONCURRENTLY IF NOT EXISTS name ON")
        }
        return .index(name: String(index.1), sql: sql)
    }
}

/// How far a step of a long migration is.
package struct MigrationProgress: Sendable, Hashable {
    /// As `catalog/5`.
    package let migration: String
    /// `building index products_by_name`, for people.
    package let work: String
    /// Blocks or rows that are done.
    package let done: Int
    /// Nil where it is not known.
    package let total: Int?
}
