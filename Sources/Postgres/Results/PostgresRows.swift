/// A statement's result: its rows and how many it affected. Reads libpq's own memory.
package struct PostgresRows: RandomAccessCollection, Sendable {
    private let result: ResultHandle

    init(_ result: ResultHandle) {
        self.result = result
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { result.rowCount }
    package subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "row \(position) of \(count)")
        return PostgresRow(result: result, index: position)
    }

    /// Rows inserted, updated, deleted or selected; 0 for other commands.
    package var affected: Int { result.affected }

    /// What the server says it did: `INSERT 0 1`, `COMMIT`.
    package var commandTag: String { result.commandTag }

    package var columnNames: [String] { (0..<result.columnCount).map(result.columnName) }

    /// The index of a column, for loops that would look it up in each row.
    ///
    /// - Throws: `decoding` if there is none of that name.
    package func column(_ name: String) throws(PostgresError) -> Int {
        guard let column = result.column(named: name) else { throw PostgresRow.unknownColumn(name, in: result) }
        return column
    }

    /// The only row.
    ///
    /// - Throws: `rowCount` if there are none or several.
    package func single(file: String = #fileID, line: Int = #line) throws(PostgresError) -> PostgresRow {
        guard count == 1 else {
            throw PostgresError(
                .rowCount, "expected one row, got \(count)",
                location: PostgresError.Location(file: file, line: line))
        }
        return self[0]
    }
}

/// One row of a result.
package struct PostgresRow: Sendable {
    let result: ResultHandle
    let index: Int

    package var columnCount: Int { result.columnCount }

    /// - Throws: `decoding`, naming the column, its type and what was asked for.
    package func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let column = result.column(named: column) else { throw Self.unknownColumn(column, in: result) }
        return try decode(column, as: type)
    }

    /// - Throws: `decoding`, naming the column, its type and what was asked for.
    package func decode<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard column >= 0, column < result.columnCount else {
            throw PostgresError(.decoding, "there is no column \(column), only \(result.columnCount)")
        }
        do {
            if result.isNull(row: index, column: column) { return try Value.decodeNull() }
            let type = result.columnType(column)
            return try result.withCell(row: index, column: column) {
                (cell) throws(PostgresDecodingProblem) in try Value.decode(cell.bytes, type: type)
            }
        } catch {
            throw failure(error, column: column, wanted: Value.self)
        }
    }

    /// The first columns in their order, all at once.
    package func decode<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws(PostgresError) -> (repeat each Value) {
        var column = 0
        func next<One: PostgresDecodable>(_ type: One.Type) throws(PostgresError) -> One {
            defer { column += 1 }
            return try decode(column, as: type)
        }
        return (repeat try next(each types))
    }

    package func isNull(_ column: Int) -> Bool {
        result.isNull(row: index, column: column)
    }

    private func failure(_ problem: PostgresDecodingProblem, column: Int, wanted: Any.Type) -> PostgresError {
        let name = result.columnName(column)
        let reason =
            switch problem {
            case .null: "is NULL"
            case .type(let found): "is \(found)"
            case .malformed: "is not a valid \(result.columnType(column))"
            case .outOfRange: "is out of range"
            }
        return PostgresError(.decoding, "column \(name) (\(column)) in row \(index) \(reason), wanted \(wanted)")
    }

    static func unknownColumn(_ name: String, in result: ResultHandle) -> PostgresError {
        let names = (0..<result.columnCount).map(result.columnName).joined(separator: ", ")
        return PostgresError(.decoding, "there is no column \(name), only: \(names)")
    }
}
