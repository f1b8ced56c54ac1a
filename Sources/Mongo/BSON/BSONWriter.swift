import ClientSupport
package import Foundation

/// Appends elements to a growing buffer. Lengths are filled in when a document closes, so nothing is copied or measured
/// twice.
package struct BSONWriter {
    var bytes: ByteBuilder

    init(reservingBytes: Int = 0) {
        bytes = ByteBuilder(reserving: reservingBytes)
    }

    /// Goes on behind the last element of a finished document; ``close(_:)`` with 0 follows.
    init(continuing document: [UInt8]) {
        bytes = ByteBuilder(continuing: document)
        bytes.truncate(to: bytes.count - 1)
    }

    init(_ bytes: consuming ByteBuilder) {
        self.bytes = bytes
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
        append(.date, key, milliseconds)
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

/// What is written most, without a protocol between and in one go with its key.
extension BSONWriter {
    package mutating func append(_ key: StaticString, _ value: Int) {
        append(.int64, key, Int64(value))
    }

    package mutating func append(_ key: StaticString, _ value: Int32) {
        append(.int32, key, value)
    }

    package mutating func append(_ key: StaticString, _ value: Int64) {
        append(.int64, key, value)
    }

    package mutating func append(_ key: StaticString, _ value: Double) {
        append(.double, key, value.bitPattern)
    }

    package mutating func append(_ key: StaticString, _ value: Bool) {
        append(.bool, key, UInt8(value ? 1 : 0))
    }

    package mutating func append(_ key: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            let header = key.utf8CodeUnitCount + 2
            bytes.append(header + utf8.count + 5) {
                Self.store(.string, key, at: $0)
                Self.store(utf8, at: $0 + header)
            }
        }
    }

    package mutating func append(_ key: StaticString, _ value: UUID) {
        appendHeader(.binary, key)
        value.writeBSON(to: &self)
    }

    package mutating func append(_ key: StaticString, _ value: Date) {
        append(.date, key, value.bsonMilliseconds)
    }

    @inline(__always)
    private mutating func append<Value: FixedWidthInteger>(_ type: BSONType, _ key: StaticString, _ value: Value) {
        let header = key.utf8CodeUnitCount + 2
        bytes.append(header + MemoryLayout<Value>.size) {
            Self.store(type, key, at: $0)
            ($0 + header).storeBytes(of: value.littleEndian, as: Value.self)
        }
    }

    @inline(__always)
    private static func store(_ type: BSONType, _ key: StaticString, at place: UnsafeMutableRawPointer) {
        place.storeBytes(of: type.rawValue, as: UInt8.self)
        let count = key.utf8CodeUnitCount
        (place + 1).copyMemory(from: key.utf8Start, byteCount: count)
        (place + 1 + count).storeBytes(of: 0, as: UInt8.self)
    }

    /// A string's length, bytes and zero.
    @inline(__always)
    static func store(_ utf8: UnsafeBufferPointer<UInt8>, at place: UnsafeMutableRawPointer) {
        place.storeBytes(of: Int32(utf8.count + 1).littleEndian, as: Int32.self)
        if let base = utf8.baseAddress { (place + 4).copyMemory(from: base, byteCount: utf8.count) }
        (place + 4 + utf8.count).storeBytes(of: 0, as: UInt8.self)
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
        bytes.store(Int32(bytes.count - mark), at: mark)
    }

    mutating func appendElements(_ build: (inout BSONArrayWriter) throws -> Void) rethrows {
        let mark = open()
        // Handed on and back without a second owner, which would copy the bytes at the next write.
        var elements = BSONArrayWriter(BSONWriter())
        swap(&elements.writer.bytes, &bytes)
        defer {
            swap(&elements.writer.bytes, &bytes)
            close(mark)
        }
        try build(&elements)
    }

    mutating func appendHeader(_ type: BSONType, _ key: StaticString) {
        bytes.append(key.utf8CodeUnitCount + 2) { Self.store(type, key, at: $0) }
    }

    mutating func appendHeader(_ type: BSONType, key: String) {
        bytes.append(type.rawValue)
        appendCString(key)
    }

    mutating func appendCString(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            precondition(!utf8.contains(0), "a BSON key holds no zero byte")
            bytes.append(UnsafeRawBufferPointer(utf8))
        }
        bytes.append(0)
    }

    mutating func appendInteger<Value: FixedWidthInteger>(_ value: Value) {
        bytes.append(MemoryLayout<Value>.size) { $0.storeBytes(of: value.littleEndian, as: Value.self) }
    }

    mutating func appendString(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            bytes.append(utf8.count + 5) { Self.store(utf8, at: $0) }
        }
    }
}
