package import Foundation

/// Walks over a document's elements without allocating. Hot paths read with it; see ``BSONDocument/decode(_:as:)`` and
/// `BSONDecoder` for the rest.
package struct BSONReader {
    let storage: [UInt8]
    /// Of the document's terminating zero.
    let end: Int
    var position: Int
    var keyStart = 0
    var keyEnd = 0
    var valueStart = 0
    var valueEnd = 0
    /// Of the current element.
    package private(set) var type = BSONType.null

    package init(_ document: BSONDocument) {
        storage = document.storage
        end = document.end - 1
        position = document.start + 4
    }

    /// Moves on; false at the document's end.
    package mutating func next() throws(BSONError) -> Bool {
        guard position < end else { return false }
        guard let type = BSONType(rawValue: storage[position]) else {
            throw BSONError(.unknownType(storage[position]))
        }
        let start = position + 1
        guard let zero = storage.bsonZero(from: start, to: end) else { throw BSONError(.malformed) }
        keyStart = start
        keyEnd = zero
        valueStart = zero + 1
        guard let size = storage.bsonSize(of: type, at: valueStart, limit: end) else {
            throw BSONError(.malformed, key: key)
        }
        self.type = type
        valueEnd = valueStart + size
        position = valueEnd
        return true
    }

    package var key: String { String(decoding: storage[keyStart..<keyEnd], as: UTF8.self) }
    package func isKey(_ key: StaticString) -> Bool {
        key.withUTF8Buffer { isKey($0) }
    }
    func isKey(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        guard key.count == keyEnd - keyStart else { return false }
        return storage.withUnsafeBufferPointer { bytes in
            for index in key.indices where bytes[keyStart &+ index] != key[index] { return false }
            return true
        }
    }

    /// The element as `Value`. - Throws: `BSONError` naming the key.
    package func read<Value: BSONReadable>(_: Value.Type = Value.self) throws(BSONError) -> Value {
        try Value(reading: self)
    }

    /// What is read most, without a protocol between. Numbers are read as by `read()`.
    package func int() throws(BSONError) -> Int { try integer(Int.self) }
    package func double() throws(BSONError) -> Double { try Double(reading: self) }
    package func bool() throws(BSONError) -> Bool { try Bool(reading: self) }
    package func string() throws(BSONError) -> String { try String(reading: self) }
    package func uuid() throws(BSONError) -> UUID { try UUID(reading: self) }

    /// A date's milliseconds since 1970.
    package func milliseconds() throws(BSONError) -> Int64 {
        guard type == .date else { throw mismatch("date") }
        return storage.bsonInt64(at: valueStart)
    }

    /// The elements of a document or array.
    package func nested() throws(BSONError) -> BSONReader {
        BSONReader(try view())
    }

    /// A string's UTF-8, not checked.
    package func utf8() throws(BSONError) -> ArraySlice<UInt8> {
        guard type == .string else { throw mismatch("string") }
        return storage[(valueStart + 4)..<(valueEnd - 1)]
    }

    /// A document or array as a view of these bytes.
    func view() throws(BSONError) -> BSONDocument {
        guard type == .document || type == .array else { throw mismatch("document") }
        do {
            return try BSONDocument(viewing: storage, from: valueStart, upTo: valueEnd)
        } catch {
            throw BSONError(error.code, key: key)
        }
    }

    package func mismatch(_ wanted: String) -> BSONError {
        BSONError(.typeMismatch(wanted: wanted, found: type), key: key)
    }
}
