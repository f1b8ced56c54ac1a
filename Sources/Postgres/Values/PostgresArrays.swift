/// What an array may hold. `UInt8` is here because an array of bytes is no PostgreSQL array but a `bytea`.
package protocol PostgresArrayElement: Sendable {
    static var postgresArrayType: PostgresType { get }
    static func encodeArray(_ elements: [Self], into bytes: inout [UInt8])
    static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> [Self]
}

/// A value that is written and read alone or in arrays.
package protocol PostgresScalar: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}

extension PostgresScalar {
    package static func encodeArray(_ elements: [Self], into bytes: inout [UInt8]) {
        ArrayFormat.encode(elements, hasNulls: false, into: &bytes)
    }

    package static func decodeArray(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> [Self] {
        try ArrayFormat.decode(bytes, type: type)
    }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresScalar {
    package static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }

    package static func encodeArray(_ elements: [Self], into bytes: inout [UInt8]) {
        ArrayFormat.encode(elements, hasNulls: elements.contains { $0 == nil }, into: &bytes)
    }

    package static func decodeArray(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> [Self] {
        try ArrayFormat.decode(bytes, type: type)
    }
}

extension UInt8: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .bytea }

    package static func encodeArray(_ elements: [UInt8], into bytes: inout [UInt8]) {
        bytes.append(contentsOf: elements)
    }

    package static func decodeArray(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> [UInt8] {
        switch type {
        case .bytea, .json, .text: return bytes.withUnsafeBytes { Array($0) }
        case .jsonb: return try PostgresJSON.decode(bytes, type: type).bytes
        default: throw .type(type)
        }
    }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }

    package func encode(into bytes: inout [UInt8]) { Element.encodeArray(self, into: &bytes) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    package static func decode(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> [Element] {
        try Element.decodeArray(bytes, type: type)
    }
}

/// `bytea`, as an element of `bytea[]`.
extension Array: PostgresArrayElement where Element == UInt8 {
    package static var postgresArrayType: PostgresType { .byteaArray }

    package static func encodeArray(_ elements: [[UInt8]], into bytes: inout [UInt8]) {
        ArrayFormat.encode(elements, hasNulls: false, into: &bytes)
    }

    package static func decodeArray(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> [[UInt8]] {
        try ArrayFormat.decode(bytes, type: type)
    }
}

extension Array: PostgresScalar where Element == UInt8 {}

/// The binary form of arrays: dimensions, whether there are NULLs, the element type, per dimension its size and lower
/// bound, then each element's length (-1 for NULL) and bytes. All numbers are of four bytes.
private enum ArrayFormat {
    private static let headerSize = 12
    private static let dimensionSize = 8

    static func encode<Element: PostgresEncodable>(
        _ elements: [Element], hasNulls: Bool, into bytes: inout [UInt8]
    ) {
        bytes.append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(hasNulls ? 1 : 0))
        bytes.append(bigEndian: Element.postgresType.rawValue)
        guard !elements.isEmpty else { return }
        bytes.append(bigEndian: Int32(elements.count))
        bytes.append(bigEndian: 1 as Int32)
        for element in elements {
            guard !element.isPostgresNull else {
                bytes.append(bigEndian: -1 as Int32)
                continue
            }
            let start = bytes.count
            bytes.append(bigEndian: 0 as Int32)
            element.encode(into: &bytes)
            bytes.set(Int32(bytes.count - start - 4), at: start)
        }
    }

    static func decode<Element: PostgresDecodable>(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> [Element] {
        guard bytes.byteCount >= headerSize else { throw .type(type) }
        let dimensions: Int32 = try bytes.integer()
        let elementType = PostgresType(rawValue: try bytes.integer(at: 8))
        guard dimensions != 0 else { return [] }
        guard dimensions == 1 else { throw .type(type) }
        let count = Int(try bytes.integer(at: headerSize, as: Int32.self))
        // Each element takes four bytes at least: a size beyond that is no array's.
        guard count >= 0, count <= bytes.byteCount / 4 else { throw .malformed }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        var offset = headerSize + dimensionSize
        for _ in 0..<count {
            let length = Int(try bytes.integer(at: offset, as: Int32.self))
            offset += 4
            guard length >= 0 else {
                elements.append(try Element.decodeNull())
                continue
            }
            guard length <= bytes.byteCount - offset else { throw .malformed }
            elements.append(try Element.decode(bytes.extracting(offset..<offset + length), type: elementType))
            offset += length
        }
        return elements
    }
}
