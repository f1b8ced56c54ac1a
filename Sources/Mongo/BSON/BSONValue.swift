package import Foundation

/// One value, taken out of its document. Nested documents and arrays are views of the document's own bytes.
package enum BSONValue: Sendable, Hashable {
    case double(Double)
    case string(String)
    case document(BSONDocument)
    case array(BSONArray)
    case binary(BSONBinary)
    case uuid(UUID)
    case objectID(BSONObjectID)
    case bool(Bool)
    /// Since 1970.
    case date(milliseconds: Int64)
    case null
    case regex(pattern: String, options: String)
    case int32(Int32)
    case int64(Int64)
    case timestamp(BSONTimestamp)
    case decimal128(BSONDecimal128)
    case javascript(code: String, scope: BSONDocument?)
    case symbol(String)
    case dbPointer(namespace: String, id: BSONObjectID)
    case undefined
    case minKey
    case maxKey

    package static func array(_ values: some Sequence<some BSONWritable>) -> BSONValue {
        .array(BSONArray(values))
    }

    package static func date(_ date: Date) -> BSONValue { .date(milliseconds: date.bsonMilliseconds) }
    package static func int(_ value: Int) -> BSONValue { .int64(Int64(value)) }
    package static func bytes(_ bytes: [UInt8]) -> BSONValue { .binary(BSONBinary(bytes)) }
}

extension BSONValue {
    package var asString: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// Any number that is integral and fits.
    package var asInt: Int? {
        switch self {
        case .int32(let value): Int(value)
        case .int64(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// Any number that a double holds exactly.
    package var asDouble: Double? {
        switch self {
        case .double(let value): value
        case .int32(let value): Double(value)
        case .int64(let value): Double(exactly: value)
        default: nil
        }
    }

    package var asBool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var asUUID: UUID? {
        if case .uuid(let value) = self { value } else { nil }
    }

    package var asDate: Date? { asMilliseconds.map { Date(bsonMilliseconds: $0) } }

    /// A date's milliseconds since 1970.
    package var asMilliseconds: Int64? {
        if case .date(let milliseconds) = self { milliseconds } else { nil }
    }

    package var asDocument: BSONDocument? {
        if case .document(let value) = self { value } else { nil }
    }

    package var asArray: BSONArray? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The bytes of a binary, whatever its subtype but UUID.
    package var asBytes: [UInt8]? {
        if case .binary(let value) = self { value.bytes } else { nil }
    }

    package var asObjectID: BSONObjectID? {
        if case .objectID(let value) = self { value } else { nil }
    }
}

extension BSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: BSONValue...) { self = .array(BSONArray(elements)) }
    package init(dictionaryLiteral elements: (String, BSONValue)...) { self = .document(BSONDocument(elements)) }
}

extension BSONValue: ExpressibleByIntegerLiteral {
    /// An int32 where it fits, as the shell and the other drivers do.
    package init(integerLiteral value: Int64) {
        self = Int32(exactly: value).map(BSONValue.int32) ?? .int64(value)
    }
}

extension Date {
    /// Milliseconds since 1970, rounded; a date beyond their range is the nearest end of it.
    package var bsonMilliseconds: Int64 {
        let milliseconds = (timeIntervalSince1970 * 1000).rounded()
        return Int64(exactly: milliseconds) ?? (milliseconds > 0 ? .max : .min)
    }

    package init(bsonMilliseconds milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}
