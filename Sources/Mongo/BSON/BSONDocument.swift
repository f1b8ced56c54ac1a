import ClientSupport

/// A document: BSON bytes, or a stretch of the bytes of a larger document that it keeps alive.
///
/// Made by a writer or from a server's reply it is right at its ends; what is inside is checked when it is read, so no
/// bytes whatever make a reader crash. Two are equal if their bytes are, so the order of the keys counts.
package struct BSONDocument: Sendable {
    /// How deep documents may nest: as deep as the server takes them.
    package static let depthMax = 100

    let storage: [UInt8]
    /// Of the length prefix, in `storage`.
    let start: Int
    /// Behind the terminating zero, in `storage`.
    let end: Int

    package init() {
        self.init(trusted: [5, 0, 0, 0, 0])
    }

    /// A stretch of `storage` that is known to be a document.
    init(storage: [UInt8], start: Int, end: Int) {
        self.storage = storage
        self.start = start
        self.end = end
    }

    /// Bytes that this module wrote.
    init(trusted bytes: [UInt8]) {
        storage = bytes
        start = 0
        end = bytes.count
    }

    /// The document at `start` of `storage`, checked at its ends.
    init(viewing storage: [UInt8], from start: Int, upTo limit: Int) throws(BSONError) {
        guard limit <= storage.count, limit - start >= 5 else { throw BSONError(.malformed) }
        let length = Int(storage.bsonInt32(at: start))
        guard length >= 5, length <= limit - start, storage[start + length - 1] == 0 else {
            throw BSONError(.malformed)
        }
        self.storage = storage
        self.start = start
        end = start + length
    }

    /// One document from elsewhere. Everything in it is checked: lengths, types, UTF-8, nesting.
    package init(validating bytes: [UInt8]) throws(BSONError) {
        try self.init(viewing: bytes, from: 0, upTo: bytes.count)
        guard end == bytes.count else { throw BSONError(.malformed) }
        try validate()
    }

    package init(_ build: (inout BSONWriter) throws -> Void) rethrows {
        var writer = BSONWriter()
        let mark = writer.open()
        try build(&writer)
        writer.close(mark)
        self.init(trusted: writer.bytes.take())
    }

    package init(_ elements: some Sequence<(String, BSONValue)>) {
        self.init { writer in
            for (key, value) in elements { writer.append(key: key, value) }
        }
    }

    package var byteCount: Int { end - start }
    package var isEmpty: Bool { byteCount == 5 }

    /// Its bytes alone.
    package var bytes: [UInt8] {
        start == 0 && end == storage.count ? storage : Array(storage[start..<end])
    }

    package func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    }

    /// The first value of that name; nil if there is none or the bytes before it are malformed.
    package subscript(key: String) -> BSONValue? {
        guard let found = try? reader(at: key) else { return nil }
        return try? found.value
    }

    /// The value of that name. An optional type takes an absent value and null for nil.
    package func decode<Value: BSONReadable>(_ key: String, as: Value.Type = Value.self) throws(BSONError) -> Value {
        guard let found = try reader(at: key) else {
            guard let absent = Value.absent else { throw BSONError(.missingKey, key: key) }
            return absent
        }
        return try found.read()
    }

    package mutating func append(_ key: String, _ value: BSONValue) {
        var writer = BSONWriter(continuing: bytes)
        writer.append(key: key, value)
        writer.close(0)
        self = BSONDocument(trusted: writer.bytes.take())
    }

    /// A reader that stands on the element of that name.
    func reader(at key: String) throws(BSONError) -> BSONReader? {
        var key = key
        var reader = BSONReader(self)
        while try reader.next() {
            if key.withUTF8({ reader.isKey($0) }) { return reader }
        }
        return nil
    }
}

extension BSONDocument: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, BSONValue)...) {
        self.init(elements)
    }
}

extension BSONDocument: Hashable {
    package static func == (left: BSONDocument, right: BSONDocument) -> Bool {
        left.storage[left.start..<left.end] == right.storage[right.start..<right.end]
    }

    package func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

/// Its elements in order, up to the first malformed one.
extension BSONDocument: Sequence {
    package struct Iterator: IteratorProtocol {
        private var reader: BSONReader

        init(_ document: BSONDocument) {
            reader = BSONReader(document)
        }

        package mutating func next() -> (key: String, value: BSONValue)? {
            guard (try? reader.next()) == true, let value = try? reader.value else { return nil }
            return (reader.key, value)
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
}

extension BSONDocument: CustomStringConvertible {
    /// Its size alone: documents are row data, and row data stays out of logs.
    package var description: String { "BSON document of \(byteCount) bytes" }
}

/// An array: a document whose keys are its indexes.
package struct BSONArray: Sendable, Hashable {
    let document: BSONDocument

    init(_ document: BSONDocument) {
        self.document = document
    }

    package init() {
        document = BSONDocument()
    }

    package init(_ values: some Sequence<some BSONWritable>) {
        var writer = BSONWriter()
        let mark = writer.open()
        var elements = BSONArrayWriter(writer)
        for value in values { elements.append(value) }
        writer = elements.writer
        writer.close(mark)
        document = BSONDocument(trusted: writer.bytes.take())
    }

    package var isEmpty: Bool { document.isEmpty }

    /// The elements as one type.
    package func decode<Value: BSONReadable>(as: Value.Type = Value.self) throws(BSONError) -> [Value] {
        var values: [Value] = []
        var reader = BSONReader(document)
        while try reader.next() { values.append(try reader.read()) }
        return values
    }
}

extension BSONArray: Sequence, ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: BSONValue...) {
        self.init(elements)
    }

    package struct Iterator: IteratorProtocol {
        private var elements: BSONDocument.Iterator

        init(_ array: BSONArray) {
            elements = array.document.makeIterator()
        }

        package mutating func next() -> BSONValue? { elements.next()?.value }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
}
