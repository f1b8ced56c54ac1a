struct BSONKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let codingPath: [any CodingKey]
    private let document: BSONDocument
    /// Where the last key was found: keys are mostly asked for in their order.
    private let place: Place

    private final class Place {
        var reader: BSONReader?
    }

    init(codingPath: [any CodingKey], document: BSONDocument) {
        self.codingPath = codingPath
        self.document = document
        place = Place()
    }

    var allKeys: [Key] { document.compactMap { Key(stringValue: $0.key) } }

    /// Malformed bytes are no absent value: true has the caller ask for it, which throws.
    func contains(_ key: Key) -> Bool {
        do {
            return try find(key) != nil
        } catch {
            return true
        }
    }

    func decodeNil(forKey key: Key) throws -> Bool { try element(key).type == .null }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try element(key).number(type, path(key)) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try element(key).number(type, path(key)) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try element(key).number(type, path(key)) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try element(key).number(type, path(key)) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try element(key).number(type, path(key)) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try element(key).number(type, path(key)) }
    func decode(_: Float.Type, forKey key: Key) throws -> Float { try element(key).float(path(key)) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try element(key).decode(type, path(key))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key, try element(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key, try element(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        let key = BSONPathKey(stringValue: "super")
        return decoder(key, try find(key))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { decoder(key, try find(key)) }

    private func path(_ key: any CodingKey) -> [any CodingKey] { codingPath + [key] }

    private func decoder(_ key: any CodingKey, _ reader: BSONReader?) -> BSONElementDecoder {
        BSONElementDecoder(codingPath: path(key), source: reader.map { .element($0) } ?? .absent)
    }

    private func element(_ key: Key) throws -> BSONReader {
        guard let reader = try find(key) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "missing"))
        }
        return reader
    }

    /// Looks at the last element found, then behind it, then from the start.
    private func find(_ key: any CodingKey) throws -> BSONReader? {
        var name = key.stringValue
        return try name.withUTF8 { name in
            if let last = place.reader {
                if last.isKey(name) { return last }
                if let found = try search(last, name) { return found }
            }
            return try search(BSONReader(document), name)
        }
    }

    private func search(_ start: BSONReader, _ name: UnsafeBufferPointer<UInt8>) throws -> BSONReader? {
        var reader = start
        while try located(codingPath, { () throws(BSONError) in try reader.next() }) {
            guard reader.isKey(name) else { continue }
            place.reader = reader
            return reader
        }
        return nil
    }
}

struct BSONUnkeyedDecoding: UnkeyedDecodingContainer {
    let codingPath: [any CodingKey]
    private var reader: BSONReader
    let count: Int?
    private(set) var currentIndex = 0

    init(codingPath: [any CodingKey], array: BSONArray) throws {
        self.codingPath = codingPath
        reader = BSONReader(array.document)
        var counting = reader
        var count = 0
        while try located(codingPath, { () throws(BSONError) in try counting.next() }) { count += 1 }
        self.count = count
    }

    var isAtEnd: Bool { currentIndex == count }

    mutating func decodeNil() throws -> Bool {
        let start = (reader, currentIndex)
        if try advance().type == .null { return true }
        (reader, currentIndex) = start
        return false
    }

    mutating func decode(_ type: Int8.Type) throws -> Int8 { try element { try $0.number(type, $1) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try element { try $0.number(type, $1) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try element { try $0.number(type, $1) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try element { try $0.number(type, $1) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try element { try $0.number(type, $1) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try element { try $0.number(type, $1) } }
    mutating func decode(_: Float.Type) throws -> Float { try element { try $0.float($1) } }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try element { try $0.decode(type, $1) }
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try superDecoder().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        try element { BSONElementDecoder(codingPath: $1, source: .element($0)) }
    }

    private var path: [any CodingKey] { codingPath + [BSONPathKey(intValue: currentIndex)] }

    /// The next element and its path.
    private mutating func element<Value>(_ body: (BSONReader, [any CodingKey]) throws -> Value) throws -> Value {
        let path = path
        return try body(try advance(), path)
    }

    private mutating func advance() throws -> BSONReader {
        guard try located(codingPath, { () throws(BSONError) in try reader.next() }) else {
            throw DecodingError.valueNotFound(
                Any.self, .init(codingPath: path, debugDescription: "the array ends here"))
        }
        currentIndex += 1
        return reader
    }
}

struct BSONSingleDecoding: SingleValueDecodingContainer {
    let decoder: BSONElementDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool {
        switch decoder.source {
        case .document: false
        case .element(let reader): reader.type == .null
        case .absent: true
        }
    }

    func decode(_ type: Int8.Type) throws -> Int8 { try element().number(type, codingPath) }
    func decode(_ type: Int16.Type) throws -> Int16 { try element().number(type, codingPath) }
    func decode(_ type: UInt.Type) throws -> UInt { try element().number(type, codingPath) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try element().number(type, codingPath) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try element().number(type, codingPath) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try element().number(type, codingPath) }
    func decode(_: Float.Type) throws -> Float { try element().float(codingPath) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if case .document = decoder.source { return try Value(from: decoder) }
        return try element().decode(type, codingPath)
    }

    private func element() throws -> BSONReader {
        guard case .element(let reader) = decoder.source else {
            throw DecodingError.typeMismatch(
                Any.self, .init(codingPath: codingPath, debugDescription: "a document, not a single value"))
        }
        return reader
    }
}
