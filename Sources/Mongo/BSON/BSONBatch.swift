/// Many documents in one buffer, as a bulk insert takes them.
package struct BSONBatch: Sendable {
    private(set) var storage: [UInt8] = []
    /// Where each document begins, and where the last one ends.
    private var offsets = [0]

    package init(reservingBytes: Int = 0) {
        storage.reserveCapacity(reservingBytes)
    }

    package init(_ documents: some Sequence<BSONDocument>) {
        for document in documents { append(document) }
    }

    package var byteCount: Int { storage.count }

    /// Adds one document; a `build` that throws adds nothing.
    package mutating func append(_ build: (inout BSONWriter) throws -> Void) rethrows {
        var writer = BSONWriter()
        swap(&writer.bytes, &storage)
        let mark = writer.open()
        do {
            try build(&writer)
        } catch {
            writer.bytes.removeSubrange(mark...)
            swap(&writer.bytes, &storage)
            throw error
        }
        writer.close(mark)
        swap(&writer.bytes, &storage)
        offsets.append(storage.count)
    }

    package mutating func append(_ document: BSONDocument) {
        storage.append(contentsOf: document.storage[document.start..<document.end])
        offsets.append(storage.count)
    }

    package mutating func append(encoding value: some Encodable) throws {
        append(try BSONEncoder().encode(value))
    }

    /// The bytes of the document at `index`.
    func range(of index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }
}

extension BSONBatch: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { offsets.count - 1 }

    package subscript(index: Int) -> BSONDocument {
        let range = range(of: index)
        return BSONDocument(storage: storage, start: range.lowerBound, end: range.upperBound)
    }
}
