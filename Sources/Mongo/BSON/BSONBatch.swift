import ClientSupport

/// Many documents in one buffer, as a bulk insert takes them.
package struct BSONBatch: Sendable {
    private var written: ByteBuilder
    /// Where each document begins, and where the last one ends.
    private var offsets = [0]

    package init(reservingBytes: Int = 0) {
        written = ByteBuilder(reserving: reservingBytes)
    }

    package init(_ documents: some Sequence<BSONDocument>) {
        self.init()
        for document in documents { append(document) }
    }

    package var byteCount: Int { written.count }

    /// Adds one document; a `build` that throws adds nothing.
    package mutating func append(_ build: (inout BSONWriter) throws -> Void) rethrows {
        var writer = BSONWriter()
        // Handed on and back without a second owner, which would copy the bytes at the next write.
        swap(&writer.bytes, &written)
        defer { swap(&writer.bytes, &written) }
        let mark = writer.open()
        do {
            try build(&writer)
        } catch {
            writer.bytes.truncate(to: mark)
            throw error
        }
        writer.close(mark)
        offsets.append(writer.bytes.count)
    }

    package mutating func append(_ document: BSONDocument) {
        document.withUnsafeBytes { written.append($0) }
        offsets.append(written.count)
    }

    package mutating func append(encoding value: some Encodable) throws {
        append(try BSONEncoder().encode(value))
    }

    /// All documents, one behind the other.
    func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try written.withUnsafeBytes(body)
    }

    /// The bytes of the document at `index`.
    func range(of index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }
}

extension BSONBatch: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { offsets.count - 1 }

    package subscript(index: Int) -> BSONDocument {
        let range = range(of: index)
        return withUnsafeBytes { BSONDocument(copying: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}
