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
        writer.bytes.append(contentsOf: bytes)
    }
    mutating func appendHeader(_ type: BSONType) {
        writer.bytes.append(type.rawValue)
        appendIndex()
        writer.bytes.append(0)
        count += 1
    }

    /// `count` in decimal digits, without a string.
    mutating func appendIndex() {
        guard count >= 10 else { return writer.bytes.append(UInt8(ascii: "0") + UInt8(count)) }
        var rest = count
        let start = writer.bytes.count
        while rest > 0 {
            writer.bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        writer.bytes[start...].reverse()
    }
}
