/// The numbers that BSON has no type of their own for.
func bsonInt64(_ value: some FixedWidthInteger & Sendable, _ path: [any CodingKey]) throws -> Int64 {
    guard let number = Int64(exactly: value) else {
        throw EncodingError.invalidValue(value, .init(codingPath: path, debugDescription: "larger than an int64"))
    }
    return number
}

func bsonKey(_ key: String, in path: some Collection<any CodingKey>) throws -> String {
    guard !key.utf8.contains(0) else {
        throw EncodingError.invalidValue(
            key, .init(codingPath: Array(path), debugDescription: "a BSON key holds no zero byte"))
    }
    return key
}

extension BSONFrame {
    /// Any encodable value: directly where BSON has a type for it, through an encoder of its own otherwise.
    func encode(_ value: some Encodable, _ key: String, _ path: [any CodingKey]) throws {
        if let direct = value as? any BSONWritable { return append(key, direct) }
        let encoder = BSONElementEncoder(codingPath: path)
        try value.encode(to: encoder)
        append(key, child: encoder)
    }
}

struct BSONKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let codingPath: [any CodingKey]
    let frame: BSONFrame

    private func name(_ key: any CodingKey) throws -> String { try bsonKey(key.stringValue, in: codingPath) }

    mutating func encodeNil(forKey key: Key) throws { frame.append(try name(key), BSONValue.null) }
    mutating func encode(_ value: Bool, forKey key: Key) throws { frame.append(try name(key), value) }
    mutating func encode(_ value: String, forKey key: Key) throws { frame.append(try name(key), value) }
    mutating func encode(_ value: Double, forKey key: Key) throws { frame.append(try name(key), value) }
    mutating func encode(_ value: Float, forKey key: Key) throws { frame.append(try name(key), Double(value)) }
    mutating func encode(_ value: Int, forKey key: Key) throws { frame.append(try name(key), value) }
    mutating func encode(_ value: Int8, forKey key: Key) throws { frame.append(try name(key), Int32(value)) }
    mutating func encode(_ value: Int16, forKey key: Key) throws { frame.append(try name(key), Int32(value)) }
    mutating func encode(_ value: Int32, forKey key: Key) throws { frame.append(try name(key), value) }
    mutating func encode(_ value: Int64, forKey key: Key) throws { frame.append(try name(key), value) }
    mutating func encode(_ value: UInt8, forKey key: Key) throws { frame.append(try name(key), value) }
    mutating func encode(_ value: UInt16, forKey key: Key) throws { frame.append(try name(key), Int32(value)) }
    mutating func encode(_ value: UInt32, forKey key: Key) throws { frame.append(try name(key), Int64(value)) }

    mutating func encode(_ value: UInt, forKey key: Key) throws {
        frame.append(try name(key), try bsonInt64(value, codingPath + [key]))
    }

    mutating func encode(_ value: UInt64, forKey key: Key) throws {
        frame.append(try name(key), try bsonInt64(value, codingPath + [key]))
    }

    mutating func encode(_ value: some Encodable, forKey key: Key) throws {
        try frame.encode(value, try name(key), codingPath + [key])
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        superEncoder(forKey: key).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        superEncoder(forKey: key).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { makeEncoder(BSONPathKey(stringValue: "super")) }
    mutating func superEncoder(forKey key: Key) -> any Encoder { makeEncoder(key) }

    private func makeEncoder(_ key: any CodingKey) -> BSONElementEncoder {
        let encoder = BSONElementEncoder(codingPath: codingPath + [key])
        frame.append(key.stringValue, child: encoder)
        return encoder
    }
}

struct BSONUnkeyedEncoding: UnkeyedEncodingContainer {
    let codingPath: [any CodingKey]
    let frame: BSONFrame
    var count: Int { frame.count }

    private var path: [any CodingKey] { codingPath + [BSONPathKey(intValue: count)] }

    mutating func encodeNil() { frame.append("\(count)", BSONValue.null) }
    mutating func encode(_ value: Int8) { frame.append("\(count)", Int32(value)) }
    mutating func encode(_ value: Int16) { frame.append("\(count)", Int32(value)) }
    mutating func encode(_ value: UInt16) { frame.append("\(count)", Int32(value)) }
    mutating func encode(_ value: UInt32) { frame.append("\(count)", Int64(value)) }
    mutating func encode(_ value: UInt) throws { frame.append("\(count)", try bsonInt64(value, path)) }
    mutating func encode(_ value: UInt64) throws { frame.append("\(count)", try bsonInt64(value, path)) }
    mutating func encode(_ value: Float) { frame.append("\(count)", Double(value)) }
    mutating func encode(_ value: some Encodable) throws { try frame.encode(value, "\(count)", path) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        superEncoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { superEncoder().unkeyedContainer() }

    mutating func superEncoder() -> any Encoder {
        let encoder = BSONElementEncoder(codingPath: path)
        frame.append("\(count)", child: encoder)
        return encoder
    }
}

struct BSONSingleEncoding: SingleValueEncodingContainer {
    let encoder: BSONElementEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    mutating func encodeNil() { encoder.content = .value(BSONValue.null) }
    mutating func encode(_ value: Int8) { encoder.content = .value(Int32(value)) }
    mutating func encode(_ value: Int16) { encoder.content = .value(Int32(value)) }
    mutating func encode(_ value: UInt16) { encoder.content = .value(Int32(value)) }
    mutating func encode(_ value: UInt32) { encoder.content = .value(Int64(value)) }
    mutating func encode(_ value: UInt) throws { encoder.content = .value(try bsonInt64(value, codingPath)) }
    mutating func encode(_ value: UInt64) throws { encoder.content = .value(try bsonInt64(value, codingPath)) }
    mutating func encode(_ value: Float) { encoder.content = .value(Double(value)) }

    mutating func encode(_ value: some Encodable) throws {
        if let direct = value as? any BSONWritable {
            encoder.content = .value(direct)
        } else {
            try value.encode(to: encoder)
        }
    }
}

/// A step of a coding path that no type of the caller names.
struct BSONPathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = "\(intValue)"
        self.intValue = intValue
    }
}
