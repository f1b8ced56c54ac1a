extension DatabaseName: Encodable {}

/// What a move would do, and why it can't be done where that is so.
package struct MovePlan: Sendable, Encodable {
    package struct Column: Sendable, Encodable {
        package let name: String
        /// What gives it, as SQL about a row of the source.
        package let expression: String
        /// Of the target, to which the source's value is cast.
        let type: String
        let isCollated: Bool

        enum CodingKeys: String, CodingKey { case name, expression }

        /// Text is put in order by its bytes, whatever the databases' locales are.
        var ordered: String { "(\(expression))::\(type)" + (isCollated ? " COLLATE \"C\"" : "") }
        var selected: String { "(\(expression))::\(type)" }
    }

    package struct TableMove: Sendable, Encodable {
        package let table: String
        package let source: String
        package let database: DatabaseName
        package let target: String
        package let rows: Int
        /// Those that rows are put in order by come first; the others behind them.
        package let columns: [Column]
        let from: MoveCatalog.Relation
        let to: MoveCatalog.Relation
        let keyCount: Int
        /// Rows refer to rows of the same table, which are whole only together.
        let isOnePiece: Bool

        enum CodingKeys: String, CodingKey { case table, source, database, target, rows, columns }

        var key: [Column] { Array(columns.prefix(isOnePiece ? 0 : keyCount)) }
    }

    package struct Extension: Sendable, Encodable {
        package let name: String
        package let database: DatabaseName
        package let isThere: Bool
    }

    /// A number that the server gives out, as an identity or by a sequence that a column owns.
    package struct Sequence: Sendable, Encodable {
        package let table: String
        package let column: String
        package let database: DatabaseName
        let target: String
        /// What the source gave out last.
        let last: Int64?

        enum CodingKeys: String, CodingKey { case table, column, database }
    }

    /// A reference that the database looked after and no longer does.
    package struct ForeignKey: Sendable, Encodable {
        package let table: String
        package let name: String
        package let definition: String
        /// Whether it is because the tables are in two databases now.
        package let isAcross: Bool
        /// What else looks after it; nil where nothing does.
        package let cure: String?

        enum CodingKeys: String, CodingKey {
            case table, name, definition, cure
            case isAcross = "is_across"
        }
    }

    package var extensions: [Extension] = []
    /// In the order in which they are copied: what others refer to comes first.
    package var tables: [TableMove] = []
    /// Of the table map, and already where they belong.
    package var inPlace: [String] = []
    /// Of the table map, and not in the source.
    package var absent: [String] = []
    /// Of the source, and not in the table map or left there.
    package var left: [String] = []
    /// Columns that stay behind because it was said so.
    package var leftColumns: [String] = []
    package var foreignKeys: [ForeignKey] = []
    package var sequences: [Sequence] = []
    /// Why it can't be done, each with what to do.
    package var problems: [String] = []

    enum CodingKeys: String, CodingKey {
        case extensions, tables, absent, left, sequences, problems
        case inPlace = "in_place"
        case leftColumns = "left_columns"
        case foreignKeys = "foreign_keys"
    }
}

/// What a move is to do otherwise than by the table map and the columns' names.
package struct MoveOptions: Sendable {
    /// Where the source's tables are, if tables of a name are in several of its schemas.
    package var schema: String?
    /// SQL about a row of the source, by `table.column` of the target.
    package var expressions: [String: String] = [:]
    /// Tables, and columns as `table.column`, of the source that stay behind.
    package var leaving: Set<String> = []
    /// Tables that are emptied and copied again.
    package var again: Set<String> = []
    package var rowsPerPiece = 100_000

    package init() {}
}

/// How far a table is.
package struct MoveProgress: Sendable {
    package let table: String
    package let rows: Int
    package let total: Int
}

/// What is where behind a move.
package struct MoveReport: Sendable, Encodable {
    package struct Comparison: Sendable, Encodable {
        package let table: String
        package let database: DatabaseName
        package let sourceRows: Int
        package let rows: Int
        /// Of all rows, whatever their order.
        package let sourceDigest: String
        package let digest: String

        package var isEqual: Bool { sourceRows == rows && sourceDigest == digest }

        enum CodingKeys: String, CodingKey {
            case table, database, rows, digest
            case sourceRows = "source_rows"
            case sourceDigest = "source_digest"
        }
    }

    package let copiedRows: Int
    package let seconds: Double
    package let comparisons: [Comparison]
    package let plan: MovePlan

    package var isEqual: Bool { comparisons.allSatisfy(\.isEqual) }

    enum CodingKeys: String, CodingKey {
        case seconds, comparisons, plan
        case copiedRows = "copied_rows"
    }
}
