import CLibPQ
import Foundation

/// Owns one `PGresult`. It is never changed after libpq hands it out, which libpq says makes it safe to read from any
/// thread: hence the unchecked conformance.
final class ResultHandle: @unchecked Sendable {
    private let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    /// Takes ownership of `pointer`.
    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = Int(PQntuples(pointer))
        columnCount = Int(PQnfields(pointer))
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    /// Rows inserted, updated, deleted or selected; 0 for other commands.
    var affected: Int {
        guard let text = PQcmdTuples(pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    /// `INSERT 0 1`, `COMMIT`, ...
    var commandTag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }

    func columnName(_ column: Int) -> String {
        PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? ""
    }

    func columnType(_ column: Int) -> PostgresType {
        PostgresType(rawValue: PQftype(pointer, Int32(column)))
    }

    /// The first column of that name. A scan over the names is faster than hashing them for as few as there are.
    func column(named name: String) -> Int? {
        var name = name
        return name.withUTF8 { wanted in
            (0..<columnCount).first { column in
                guard let candidate = PQfname(pointer, Int32(column)) else { return false }
                return strlen(candidate) == wanted.count
                    && wanted.elementsEqual(UnsafeRawBufferPointer(start: candidate, count: wanted.count))
            }
        }
    }

    func isNull(row: Int, column: Int) -> Bool {
        PQgetisnull(pointer, Int32(row), Int32(column)) != 0
    }

    /// The cell, which is not NULL and within bounds. The memory is this object's.
    func withCell<Value>(
        row: Int, column: Int, _ body: (UnsafeRawBufferPointer) throws(PostgresDecodingProblem) -> Value
    ) throws(PostgresDecodingProblem) -> Value {
        guard let start = PQgetvalue(pointer, Int32(row), Int32(column)) else { throw .malformed }
        let length = Int(PQgetlength(pointer, Int32(row), Int32(column)))
        return try body(UnsafeRawBufferPointer(start: start, count: length))
    }

    /// The error that this result is, as the server or libpq worded it.
    func makeError() -> PostgresError {
        func field(_ code: Int) -> String? {
            PQresultErrorField(pointer, Int32(code)).map { String(cString: $0) }
        }
        guard let sqlState = field(quartet_diag_sqlstate) else {
            let text = PQresultErrorMessage(pointer).map { String(cString: $0) } ?? ""
            return PostgresError(.protocolViolation, ServerText.oneLine(text))
        }
        let report = PostgresError.ServerReport(
            sqlState: sqlState,
            severity: field(quartet_diag_severity),
            detail: field(quartet_diag_detail),
            hint: field(quartet_diag_hint),
            schema: field(quartet_diag_schema),
            table: field(quartet_diag_table),
            column: field(quartet_diag_column),
            constraint: field(quartet_diag_constraint))
        return PostgresError(.server, field(quartet_diag_message) ?? "", report: report)
    }
}
