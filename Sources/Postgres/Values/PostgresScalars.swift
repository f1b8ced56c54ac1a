package import Foundation

extension Bool: PostgresScalar {
    package static var postgresType: PostgresType { .bool }
    package static var postgresArrayType: PostgresType { .boolArray }

    package func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Bool {
        guard type == .bool else { throw .type(type) }
        return try bytes.soleInteger(as: UInt8.self) != 0
    }
}

extension RawSpan {
    /// An integer of any of the integer types, as long as its value fits.
    fileprivate func anyInteger<Value: FixedWidthInteger>(
        type: PostgresType, as: Value.Type
    ) throws(PostgresDecodingProblem) -> Value {
        let value: Value?
        switch type {
        case .int8: value = Value(exactly: try soleInteger(as: Int64.self))
        case .int4: value = Value(exactly: try soleInteger(as: Int32.self))
        case .int2: value = Value(exactly: try soleInteger(as: Int16.self))
        case .oid: value = Value(exactly: try soleInteger(as: UInt32.self))
        case .xid8: value = Value(exactly: try soleInteger(as: UInt64.self))
        default: throw .type(type)
        }
        guard let value else { throw .outOfRange }
        return value
    }
}

extension Int: PostgresScalar {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }

    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: Int64(self)) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Int {
        try bytes.anyInteger(type: type, as: Int.self)
    }
}

extension Int64: PostgresScalar {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }

    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Int64 {
        try bytes.anyInteger(type: type, as: Int64.self)
    }
}

extension Int32: PostgresScalar {
    package static var postgresType: PostgresType { .int4 }
    package static var postgresArrayType: PostgresType { .int4Array }

    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Int32 {
        try bytes.anyInteger(type: type, as: Int32.self)
    }
}

extension Int16: PostgresScalar {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .int2Array }

    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Int16 {
        try bytes.anyInteger(type: type, as: Int16.self)
    }
}

/// `xid8`, the only unsigned type of eight bytes.
extension UInt64: PostgresScalar {
    package static var postgresType: PostgresType { .xid8 }
    package static var postgresArrayType: PostgresType { .xid8Array }

    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> UInt64 {
        try bytes.anyInteger(type: type, as: UInt64.self)
    }
}

extension Double: PostgresScalar {
    package static var postgresType: PostgresType { .float8 }
    package static var postgresArrayType: PostgresType { .float8Array }

    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: bitPattern) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Double {
        switch type {
        case .float8: Double(bitPattern: try bytes.soleInteger())
        case .float4: Double(Float(bitPattern: try bytes.soleInteger()))
        default: throw .type(type)
        }
    }
}

extension Float: PostgresScalar {
    package static var postgresType: PostgresType { .float4 }
    package static var postgresArrayType: PostgresType { .float4Array }

    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: bitPattern) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Float {
        guard type == .float4 else { throw .type(type) }
        return Float(bitPattern: try bytes.soleInteger())
    }
}

extension String: PostgresScalar {
    package static var postgresType: PostgresType { .text }
    package static var postgresArrayType: PostgresType { .textArray }

    package func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> String {
        switch type {
        case .text, .varchar, .bpchar, .name, .json, .unknown, .char: return try bytes.text()
        case .jsonb:
            try PostgresJSON.checkVersion(bytes)
            return try bytes.text(from: 1)
        case .uuid: return try UUID.decode(bytes, type: type).uuidString.lowercased()
        default:
            guard type.isUserDefined else { throw .type(type) }
            return try bytes.text()
        }
    }
}

extension UUID: PostgresScalar {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }

    package func encode(into bytes: inout [UInt8]) {
        withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> UUID {
        guard type == .uuid else { throw .type(type) }
        guard bytes.byteCount == 16 else { throw .malformed }
        return UUID(uuid: bytes.unsafeLoadUnaligned(as: uuid_t.self))
    }
}

/// `timestamptz`, whose resolution is a microsecond. Infinity is read as the distant future or past.
extension Date: PostgresScalar {
    /// From 2000-01-01, where PostgreSQL counts from, to 2001-01-01, where `Date` does.
    private static let epochDistanceSeconds = 31_622_400.0

    package static var postgresType: PostgresType { .timestamptz }
    package static var postgresArrayType: PostgresType { .timestamptzArray }

    package func encode(into bytes: inout [UInt8]) {
        let microseconds = (timeIntervalSinceReferenceDate + Self.epochDistanceSeconds) * 1_000_000
        bytes.append(bigEndian: Int64(exactly: microseconds.rounded()) ?? (microseconds < 0 ? .min : .max))
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(PostgresDecodingProblem) -> Date {
        guard type == .timestamptz || type == .timestamp else { throw .type(type) }
        let microseconds = try bytes.soleInteger(as: Int64.self)
        if microseconds == .max { return .distantFuture }
        if microseconds == .min { return .distantPast }
        return Date(timeIntervalSinceReferenceDate: Double(microseconds) / 1_000_000 - epochDistanceSeconds)
    }
}
