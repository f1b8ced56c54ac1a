/// A value that can be a statement's parameter. It travels in PostgreSQL's binary format.
///
/// The type is the Swift type's and never the value's, so that a NULL carries its type too and a statement is prepared
/// once whatever its values are.
package protocol PostgresEncodable: Sendable {
    static var postgresType: PostgresType { get }
    var isPostgresNull: Bool { get }

    /// Appends the binary form; not called for NULL.
    func encode(into bytes: inout [UInt8])
}

extension PostgresEncodable {
    package var isPostgresNull: Bool { false }
}

/// A value that can be read from a result's cell.
package protocol PostgresDecodable: Sendable {
    /// Reads the binary form of a value of type `type`. The span is libpq's own memory and ends with the call.
    static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Self

    /// What NULL is read as.
    static func decodeNull() throws(PostgresDecodingProblem) -> Self
}

extension PostgresDecodable {
    package static func decodeNull() throws(PostgresDecodingProblem) -> Self { throw .null }
}

/// Why a cell could not be read; the row adds which column it was.
package enum PostgresDecodingProblem: Error {
    case null
    case type(PostgresType)
    case malformed
    case outOfRange
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var postgresType: PostgresType { Wrapped.postgresType }

    package var isPostgresNull: Bool {
        switch self {
        case .none: true
        case .some(let value): value.isPostgresNull
        }
    }

    package func encode(into bytes: inout [UInt8]) {
        if let self { self.encode(into: &bytes) }
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> Wrapped? {
        try Wrapped.decode(bytes, type: type)
    }

    package static func decodeNull() throws(PostgresDecodingProblem) -> Wrapped? { nil }
}

extension [UInt8] {
    /// Appends `value` in network byte order.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Overwrites the four bytes at `offset`, where a length was left open.
    mutating func set(_ value: Int32, at offset: Int) {
        Swift.withUnsafeBytes(of: value.bigEndian) { replaceSubrange(offset..<offset + 4, with: $0) }
    }
}

extension RawSpan {
    /// The integer in network byte order at `offset`.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int = 0, as type: Value.Type = Value.self
    ) throws(PostgresDecodingProblem) -> Value {
        guard offset >= 0, byteCount - offset >= MemoryLayout<Value>.size else { throw .malformed }
        return Value(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// The integer that fills the whole span.
    func soleInteger<Value: FixedWidthInteger & BitwiseCopyable>(
        as type: Value.Type = Value.self
    ) throws(PostgresDecodingProblem) -> Value {
        guard byteCount == MemoryLayout<Value>.size else { throw .malformed }
        return try integer()
    }

    /// The span as UTF-8 text, from `offset` on.
    func text(from offset: Int = 0) throws(PostgresDecodingProblem) -> String {
        let text = withUnsafeBytes { String(validating: $0.dropFirst(offset), as: UTF8.self) }
        guard let text else { throw .malformed }
        return text
    }
}
