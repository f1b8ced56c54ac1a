package import Foundation

/// Appends elements to a growing buffer. Lengths are filled in when a document closes, so nothing is copied or measured
/// twice.
package struct BSONWriter {
    var bytes: [UInt8]

    init(reservingBytes: Int = 0) {
        bytes = []
        if reservingBytes > 0 { bytes.reserveCapacity(reservingBytes) }
    }

    /// Goes on behind the last element of a finished document; ``close(_:)`` with 0 follows.
    init(continuing document: [UInt8]) {
        bytes = document
        bytes.removeLast()
    }
    package mutating func append(_ key: StaticString, _ value: some BSONWritable) {
        appendHeader(value.bsonType, key)
        value.writeBSON(to: &self)
    }

    /// Nothing where the value is nil.
    package mutating func append<Value: BSONWritable>(_ key: StaticString, ifPresent value: Value?) {
        if let value { append(key, value) }
    }

    /// A date.
    package mutating func append(_ key: StaticString, milliseconds: Int64) {
        appendHeader(.date, key)
        appendInteger(milliseconds)
    }
    package mutating func appendDocument(
        _ key: StaticString, _ build: (inout BSONWriter) throws -> Void
    ) rethrows {
        appendHeader(.document, key)
        let mark = open()
        try build(&self)
        close(mark)
    }
    package mutating func appendArray(
        _ key: StaticString, _ build: (inout BSONArrayWriter) throws -> Void
    ) rethrows {
        appendHeader(.array, key)
        try appendElements(build)
    }
}

/// What is written most, without a protocol between.
extension BSONWriter {
    package mutating func append(_ key: StaticString, _ value: Int) {
        appendHeader(.int64, key)
        appendInteger(Int64(value))
    }

    package mutating func append(_ key: StaticString, _ value: Int32) {
        appendHeader(.int32, key)
        appendInteger(value)
    }

    package mutating func append(_ key: StaticString, _ value: Int64) {
        appendHeader(.int64, key)
        appendInteger(value)
    }

    package mutating func append(_ key: StaticString, _ value: Double) {
        appendHeader(.double, key)
        appendInteger(value.bitPattern)
    }

    package mutating func append(_ key: StaticString, _ value: Bool) {
        appendHeader(.bool, key)
        bytes.append(value ? 1 : 0)
    }

    package mutating func append(_ key: StaticString, _ value: String) {
        appendHeader(.string, key)
        appendString(value)
    }

    package mutating func append(_ key: StaticString, _ value: UUID) {
        appendHeader(.binary, key)
        value.writeBSON(to: &self)
    }

    package mutating func append(_ key: StaticString, _ value: Date) {
        appendHeader(.date, key)
        appendInteger(value.bsonMilliseconds)
    }
}

/// The same with keys that are made at run time. A key holds no zero byte.
extension BSONWriter {
    package mutating func append(key: String, _ value: some BSONWritable) {
        appendHeader(value.bsonType, key: key)
        value.writeBSON(to: &self)
    }

    package mutating func append(key: String, milliseconds: Int64) {
        appendHeader(.date, key: key)
        appendInteger(milliseconds)
    }

    package mutating func appendDocument(key: String, _ build: (inout BSONWriter) throws -> Void) rethrows {
        appendHeader(.document, key: key)
        let mark = open()
        try build(&self)
        close(mark)
    }

    package mutating func appendArray(key: String, _ build: (inout BSONArrayWriter) throws -> Void) rethrows {
        appendHeader(.array, key: key)
        try appendElements(build)
    }
}

extension BSONWriter {
    /// Begins a document; ``close(_:)`` takes what this returns.
    mutating func open() -> Int {
        appendInteger(Int32(0))
        return bytes.count - 4
    }

    /// Ends the document that began at `mark`.
    mutating func close(_ mark: Int) {
        bytes.append(0)
        let length = Int32(bytes.count - mark).littleEndian
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: length, toByteOffset: mark, as: Int32.self) }
    }
    mutating func appendElements(_ build: (inout BSONArrayWriter) throws -> Void) rethrows {
        let mark = open()
        var elements = BSONArrayWriter(BSONWriter(bytes: consumeBytes()))
        defer {
            bytes = elements.writer.consumeBytes()
            close(mark)
        }
        try build(&elements)
    }
    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Hands the buffer on without a second owner, which would copy it at the next write.
    mutating func consumeBytes() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return taken
    }
    mutating func appendHeader(_ type: BSONType, _ key: StaticString) {
        bytes.append(type.rawValue)
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(0)
    }

    mutating func appendHeader(_ type: BSONType, key: String) {
        bytes.append(type.rawValue)
        appendCString(key)
    }

    mutating func appendCString(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            precondition(!utf8.contains(0), "a BSON key holds no zero byte")
            bytes.append(contentsOf: utf8)
        }
        bytes.append(0)
    }
    mutating func appendInteger<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    mutating func appendString(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            appendInteger(Int32(utf8.count + 1))
            bytes.append(contentsOf: utf8)
        }
        bytes.append(0)
    }
}
