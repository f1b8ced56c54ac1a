import ClientSupport

/// Encodes `Encodable` values as documents. Int is an int64, a UUID, Data and [UInt8] are binaries, a Date is a date, and an
/// optional that is nil is left out.
package struct BSONEncoder: Sendable {
    package init() {}

    /// - Throws: `EncodingError` naming the coding path; a value that is no document is one.
    package func encode(_ value: some Encodable) throws -> BSONDocument {
        if let document = value as? BSONDocument { return document }
        let encoder = BSONElementEncoder(codingPath: [])
        try value.encode(to: encoder)
        guard case .document(let frame)? = encoder.content else {
            throw EncodingError.invalidValue(
                value, .init(codingPath: [], debugDescription: "a document is wanted, as a keyed container makes it"))
        }
        return BSONDocument(trusted: try frame.finished())
    }
}

/// What one encoder made.
enum BSONEncoded {
    case value(any BSONWritable)
    case document(BSONFrame)
    case array(BSONFrame)
}

/// The elements of one container. A nested container may still be written to after its parent went on, so it is put in its
/// place when all is finished.
final class BSONFrame {
    private var writer = BSONWriter()
    private var children: [(offset: Int, encoder: BSONElementEncoder)] = []
    private(set) var count = 0

    func append(_ key: String, _ value: some BSONWritable) {
        count += 1
        writer.append(key: key, value)
    }

    func append(_ key: String, child: BSONElementEncoder) {
        count += 1
        child.key = key
        children.append((writer.bytes.count, child))
    }

    func finished() throws -> [UInt8] {
        var whole = BSONWriter(reservingBytes: writer.bytes.count + 5)
        let mark = whole.open()
        var done = 0
        for child in children {
            append(done..<child.offset, to: &whole)
            done = child.offset
            try child.encoder.finish(into: &whole)
        }
        append(done..<writer.bytes.count, to: &whole)
        whole.close(mark)
        return whole.bytes.take()
    }

    private func append(_ range: Range<Int>, to whole: inout BSONWriter) {
        writer.bytes.withUnsafeBytes { whole.bytes.append(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}

final class BSONElementEncoder: Encoder {
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    var key = ""
    var content: BSONEncoded?

    init(codingPath: [any CodingKey]) {
        self.codingPath = codingPath
    }

    func finish(into writer: inout BSONWriter) throws {
        // Whoever asks for a nested container can't be told at once.
        let key = try bsonKey(key, in: codingPath.dropLast())
        switch content {
        case .value(let value): writer.append(key: key, value)
        case .array(let frame): writer.append(key: key, BSONArray(BSONDocument(trusted: try frame.finished())))
        case .document(let frame): writer.append(key: key, BSONDocument(trusted: try frame.finished()))
        case nil: writer.append(key: key, BSONDocument())
        }
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(BSONKeyedEncoding<Key>(codingPath: codingPath, frame: documentFrame()))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        let frame = BSONFrame()
        content = .array(frame)
        return BSONUnkeyedEncoding(codingPath: codingPath, frame: frame)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        BSONSingleEncoding(encoder: self)
    }

    /// Classes ask for their container once a level of inheritance: it is the same document.
    private func documentFrame() -> BSONFrame {
        if case .document(let frame)? = content { return frame }
        let frame = BSONFrame()
        content = .document(frame)
        return frame
    }
}
