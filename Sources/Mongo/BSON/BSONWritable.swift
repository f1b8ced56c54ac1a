import ClientSupport
package import Foundation

/// What can be written as an element.
package protocol BSONWritable: Sendable {
    var bsonType: BSONType { get }

    /// Appends the value's bytes; type and key are written already.
    func writeBSON(to writer: inout BSONWriter)

    /// What an array of them is; overridden by bytes, which are a binary.
    static var arrayBSONType: BSONType { get }
    static func writeArray(_ values: [Self], to writer: inout BSONWriter)
}

extension BSONWritable {
    package static var arrayBSONType: BSONType { .array }
    package static func writeArray(_ values: [Self], to writer: inout BSONWriter) {
        writer.appendElements { elements in
            for value in values { elements.append(value) }
        }
    }
}

extension Int: BSONWritable {
    package var bsonType: BSONType { .int64 }
    package func writeBSON(to writer: inout BSONWriter) { writer.appendInteger(Int64(self)) }
}

extension Int32: BSONWritable {
    package var bsonType: BSONType { .int32 }
    package func writeBSON(to writer: inout BSONWriter) { writer.appendInteger(self) }
}

extension Int64: BSONWritable {
    package var bsonType: BSONType { .int64 }
    package func writeBSON(to writer: inout BSONWriter) { writer.appendInteger(self) }
}

extension UInt8: BSONWritable {
    package var bsonType: BSONType { .int32 }
    package func writeBSON(to writer: inout BSONWriter) { writer.appendInteger(Int32(self)) }
    package static var arrayBSONType: BSONType { .binary }
    package static func writeArray(_ values: [UInt8], to writer: inout BSONWriter) {
        BSONBinary(values).writeBSON(to: &writer)
    }
}

extension Double: BSONWritable {
    package var bsonType: BSONType { .double }
    package func writeBSON(to writer: inout BSONWriter) { writer.appendInteger(bitPattern) }
}

extension Bool: BSONWritable {
    package var bsonType: BSONType { .bool }
    package func writeBSON(to writer: inout BSONWriter) { writer.bytes.append(self ? 1 : 0) }
}

extension String: BSONWritable {
    package var bsonType: BSONType { .string }
    package func writeBSON(to writer: inout BSONWriter) { writer.appendString(self) }
}

extension UUID: BSONWritable {
    package var bsonType: BSONType { .binary }
    package func writeBSON(to writer: inout BSONWriter) {
        writer.bytes.append(21) { place in
            place.storeBytes(of: Int32(16).littleEndian, as: Int32.self)
            (place + 4).storeBytes(of: 4, as: UInt8.self)
            (place + 5).storeBytes(of: uuid, as: uuid_t.self)
        }
    }
}

extension Date: BSONWritable {
    package var bsonType: BSONType { .date }
    package func writeBSON(to writer: inout BSONWriter) { writer.appendInteger(bsonMilliseconds) }
}

extension BSONDocument: BSONWritable {
    package var bsonType: BSONType { .document }
    package func writeBSON(to writer: inout BSONWriter) {
        withUnsafeBytes { writer.bytes.append($0) }
    }
}

extension BSONArray: BSONWritable {
    package var bsonType: BSONType { .array }
    package func writeBSON(to writer: inout BSONWriter) { document.writeBSON(to: &writer) }
}

extension BSONBinary: BSONWritable {
    package var bsonType: BSONType { .binary }
    package func writeBSON(to writer: inout BSONWriter) {
        writer.appendInteger(Int32(bytes.count))
        writer.bytes.append(subtype)
        writer.bytes.append(contentsOf: bytes)
    }
}

extension BSONObjectID: BSONWritable {
    package var bsonType: BSONType { .objectID }
    package func writeBSON(to writer: inout BSONWriter) {
        writer.appendInteger(high.byteSwapped)
        writer.appendInteger(low.byteSwapped)
    }
}

extension BSONTimestamp: BSONWritable {
    package var bsonType: BSONType { .timestamp }

    package func writeBSON(to writer: inout BSONWriter) {
        writer.appendInteger(increment)
        writer.appendInteger(seconds)
    }
}

extension BSONDecimal128: BSONWritable {
    package var bsonType: BSONType { .decimal128 }

    package func writeBSON(to writer: inout BSONWriter) {
        writer.appendInteger(low)
        writer.appendInteger(high)
    }
}

extension Data: BSONWritable {
    package var bsonType: BSONType { .binary }
    package func writeBSON(to writer: inout BSONWriter) { BSONBinary(Array(self)).writeBSON(to: &writer) }
}

extension Array: BSONWritable where Element: BSONWritable {
    package var bsonType: BSONType { Element.arrayBSONType }
    package func writeBSON(to writer: inout BSONWriter) { Element.writeArray(self, to: &writer) }
}

/// Null where it is nil.
extension Optional: BSONWritable where Wrapped: BSONWritable {
    package var bsonType: BSONType { self?.bsonType ?? .null }
    package func writeBSON(to writer: inout BSONWriter) { self?.writeBSON(to: &writer) }
}
