import ClientSupport

/// Appends an array's elements; their keys count up by themselves.
package struct BSONArrayWriter {
    var writer: BSONWriter
    var count = 0

    init(_ writer: BSONWriter) {
        self.writer = writer
    }

    package mutating func append(_ value: some BSONWritable) {
        appendHeader(value.bsonType)
        value.writeBSON(to: &writer)
    }

    /// A date.
    package mutating func append(milliseconds: Int64) {
        appendHeader(.date)
        writer.appendInteger(milliseconds)
    }

    package mutating func appendDocument(_ build: (inout BSONWriter) throws -> Void) rethrows {
        appendHeader(.document)
        let mark = writer.open()
        try build(&writer)
        writer.close(mark)
    }

    package mutating func appendArray(_ build: (inout BSONArrayWriter) throws -> Void) rethrows {
        appendHeader(.array)
        try writer.appendElements(build)
    }

    /// A finished document's bytes.
    mutating func append(bytes: UnsafeRawBufferPointer) {
        appendHeader(.document)
        writer.bytes.append(bytes)
    }

    /// What is written most, without a protocol between and in one go with its index.
    package mutating func append(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            let header = Self.headerSize(count)
            writer.bytes.append(header + utf8.count + 5) {
                Self.store(.string, count, at: $0)
                BSONWriter.store(utf8, at: $0 + header)
            }
        }
        count += 1
    }

    package mutating func append(_ value: Int32) {
        let header = Self.headerSize(count)
        writer.bytes.append(header + 4) {
            Self.store(.int32, count, at: $0)
            ($0 + header).storeBytes(of: value.littleEndian, as: Int32.self)
        }
        count += 1
    }

    mutating func appendHeader(_ type: BSONType) {
        writer.bytes.append(Self.headerSize(count)) { Self.store(type, count, at: $0) }
        count += 1
    }

    private static func headerSize(_ index: Int) -> Int {
        var (size, rest) = (3, index / 10)
        while rest > 0 { (size, rest) = (size + 1, rest / 10) }
        return size
    }

    /// The index in decimal digits, without a string.
    @inline(__always)
    private static func store(_ type: BSONType, _ index: Int, at place: UnsafeMutableRawPointer) {
        place.storeBytes(of: type.rawValue, as: UInt8.self)
        let end = headerSize(index) - 1
        (place + end).storeBytes(of: 0, as: UInt8.self)
        var (digit, rest) = (end - 1, index)
        repeat {
            (place + digit).storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), as: UInt8.self)
            (digit, rest) = (digit - 1, rest / 10)
        } while rest > 0
    }
}
