/// Decodes `Decodable` types from documents, the counterpart of `BSONEncoder`. A number decodes as any numeric type that
/// holds it exactly.
package struct BSONDecoder: Sendable {
    package init() {}

    /// - Throws: `DecodingError` naming the coding path.
    package func decode<Value: Decodable>(_: Value.Type = Value.self, from document: BSONDocument) throws -> Value {
        if let same = document as? Value { return same }
        return try Value(from: BSONElementDecoder(codingPath: [], source: .document(document)))
    }
}

struct BSONElementDecoder: Decoder {
    enum Source {
        case document(BSONDocument)
        case element(BSONReader)
        /// What `superDecoder` finds where there is nothing.
        case absent
    }

    let codingPath: [any CodingKey]
    let source: Source
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try checkDepth()
        return KeyedDecodingContainer(BSONKeyedDecoding<Key>(codingPath: codingPath, document: try document()))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try checkDepth()
        guard case .element(let reader) = source else {
            throw DecodingError.typeMismatch(
                [Any].self, .init(codingPath: codingPath, debugDescription: "a document, not an array"))
        }
        let array = try located(codingPath) { () throws(BSONError) in try BSONArray(reading: reader) }
        return try BSONUnkeyedDecoding(codingPath: codingPath, array: array)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        BSONSingleDecoding(decoder: self)
    }

    /// A type that holds itself goes as deep as the bytes do, and the stack does not.
    private func checkDepth() throws {
        guard codingPath.count < BSONDocument.depthMax else {
            try located(codingPath) { () throws(BSONError) in throw BSONError(.tooDeep) }
            return
        }
    }

    func document() throws -> BSONDocument {
        switch source {
        case .document(let document): document
        case .element(let reader): try located(codingPath) { () throws(BSONError) in try BSONDocument(reading: reader) }
        case .absent: BSONDocument()
        }
    }
}

extension BSONReader {
    /// The element as any decodable type.
    func decode<Value: Decodable>(_ type: Value.Type, _ path: [any CodingKey]) throws -> Value {
        guard let readable = type as? any BSONReadable.Type else {
            return try Value(from: BSONElementDecoder(codingPath: path, source: .element(self)))
        }
        // An array whose elements are merely readable here reads as fast as it can; its type is Value all the same.
        guard let value = try located(path, { () throws(BSONError) in try readable.init(reading: self) }) as? Value
        else {
            throw DecodingError.typeMismatch(type, .init(codingPath: path, debugDescription: "\(self.type)"))
        }
        return value
    }

    func number<Value: FixedWidthInteger>(_ type: Value.Type, _ path: [any CodingKey]) throws -> Value {
        try located(path) { () throws(BSONError) in try integer(type) }
    }

    func float(_ path: [any CodingKey]) throws -> Float {
        Float(try located(path) { () throws(BSONError) in try Double(reading: self) })
    }
}

/// Runs `body` and turns its error into one that names the coding path.
func located<Value>(_ path: [any CodingKey], _ body: () throws(BSONError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        let context = DecodingError.Context(
            codingPath: path, debugDescription: error.description, underlyingError: error)
        if case .typeMismatch = error.code { throw DecodingError.typeMismatch(Value.self, context) }
        throw DecodingError.dataCorrupted(context)
    }
}
