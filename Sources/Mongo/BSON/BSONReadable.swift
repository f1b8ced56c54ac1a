package import Foundation

/// What an element can be read as.
package protocol BSONReadable: Sendable {
    /// Takes the element on which `reader` stands.
    init(reading reader: BSONReader) throws(BSONError)

    /// What stands for an element that is not there; nil if there must be one.
    static var absent: Self? { get }

    /// An array of them; overridden by bytes, which are a binary.
    static func readArray(_ reader: BSONReader) throws(BSONError) -> [Self]
}

extension BSONReadable {
    package static var absent: Self? { nil }

    package static func readArray(_ reader: BSONReader) throws(BSONError) -> [Self] {
        guard reader.type == .array else { throw reader.mismatch("array") }
        var values: [Self] = []
        var elements = try reader.nested()
        while try elements.next() { values.append(try Self(reading: elements)) }
        return values
    }
}

extension BSONReader {
    /// Any number that is integral and that `Value` holds.
    func integer<Value: FixedWidthInteger>(_: Value.Type) throws(BSONError) -> Value {
        let value: Value? =
            switch type {
            case .int32: Value(exactly: storage.bsonInt32(at: valueStart))
            case .int64: Value(exactly: storage.bsonInt64(at: valueStart))
            case .double: Value(exactly: Double(bitPattern: UInt64(bitPattern: storage.bsonInt64(at: valueStart))))
            default: nil
            }
        guard let value else { throw mismatch("\(Value.self)") }
        return value
    }
}

extension Int: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) { self = try reader.integer(Int.self) }
}

extension Int32: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) { self = try reader.integer(Int32.self) }
}

extension Int64: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) { self = try reader.integer(Int64.self) }
}

extension UInt8: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) { self = try reader.integer(UInt8.self) }

    package static func readArray(_ reader: BSONReader) throws(BSONError) -> [UInt8] {
        guard reader.type == .binary else { throw reader.mismatch("binary") }
        return Array(reader.storage[(reader.valueStart + 5)..<reader.valueEnd])
    }
}

extension Double: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        let value: Double? =
            switch reader.type {
            case .double: Double(bitPattern: UInt64(bitPattern: reader.storage.bsonInt64(at: reader.valueStart)))
            case .int32: Double(reader.storage.bsonInt32(at: reader.valueStart))
            case .int64: Double(exactly: reader.storage.bsonInt64(at: reader.valueStart))
            default: nil
            }
        guard let value else { throw reader.mismatch("Double") }
        self = value
    }
}

extension Bool: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .bool else { throw reader.mismatch("Bool") }
        self = reader.storage[reader.valueStart] != 0
    }
}

extension String: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .string else { throw reader.mismatch("String") }
        let utf8 = reader.storage[(reader.valueStart + 4)..<(reader.valueEnd - 1)]
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw BSONError(.invalidUTF8, key: reader.key)
        }
        self = text
    }
}

extension UUID: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard let uuid = reader.uuidIfAny() else { throw reader.mismatch("UUID") }
        self = uuid
    }
}

extension Date: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        self.init(bsonMilliseconds: try reader.milliseconds())
    }
}

extension BSONDocument: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .document else { throw reader.mismatch("document") }
        self = try reader.view()
    }
}

extension BSONArray: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .array else { throw reader.mismatch("array") }
        self.init(try reader.view())
    }
}

extension BSONValue: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) { self = try reader.value }
}

extension BSONObjectID: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .objectID else { throw reader.mismatch("objectID") }
        self = reader.objectID(at: reader.valueStart)
    }
}

extension BSONTimestamp: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .timestamp else { throw reader.mismatch("timestamp") }
        self = reader.timestamp()
    }
}

extension BSONDecimal128: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .decimal128 else { throw reader.mismatch("decimal128") }
        self = reader.decimal128()
    }
}

extension BSONBinary: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        guard reader.type == .binary else { throw reader.mismatch("binary") }
        self.init(try UInt8.readArray(reader), subtype: reader.storage[reader.valueStart + 4])
    }
}

extension Data: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) { self.init(try UInt8.readArray(reader)) }
}

extension Array: BSONReadable where Element: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) { self = try Element.readArray(reader) }
}

extension Optional: BSONReadable where Wrapped: BSONReadable {
    package init(reading reader: BSONReader) throws(BSONError) {
        self = reader.type == .null ? nil : try Wrapped(reading: reader)
    }

    package static var absent: Wrapped?? { .some(nil) }
}
