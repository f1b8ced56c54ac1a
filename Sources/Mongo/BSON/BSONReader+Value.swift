import Foundation

extension BSONReader {
    /// The element as whatever it is. Strings that are not UTF-8 are repaired.
    package var value: BSONValue {
        get throws(BSONError) {
            switch type {
            case .double: .double(Double(bitPattern: UInt64(bitPattern: storage.bsonInt64(at: valueStart))))
            case .string: .string(text((valueStart + 4)..<(valueEnd - 1)))
            case .document: .document(try view())
            case .array: .array(BSONArray(try view()))
            case .binary: binary()
            case .undefined: .undefined
            case .objectID: .objectID(objectID(at: valueStart))
            case .bool: .bool(storage[valueStart] != 0)
            case .date: .date(milliseconds: storage.bsonInt64(at: valueStart))
            case .null: .null
            case .regex: try regex()
            case .dbPointer:
                .dbPointer(
                    namespace: text((valueStart + 4)..<(valueEnd - 13)), id: objectID(at: valueEnd - 12))
            case .javascript: .javascript(code: text((valueStart + 4)..<(valueEnd - 1)), scope: nil)
            case .symbol: .symbol(text((valueStart + 4)..<(valueEnd - 1)))
            case .javascriptWithScope: try javascriptWithScope()
            case .int32: .int32(storage.bsonInt32(at: valueStart))
            case .timestamp: .timestamp(timestamp())
            case .int64: .int64(storage.bsonInt64(at: valueStart))
            case .decimal128: .decimal128(decimal128())
            case .maxKey: .maxKey
            case .minKey: .minKey
            }
        }
    }

    func uuidIfAny() -> UUID? {
        guard type == .binary, valueEnd - valueStart == 21, storage[valueStart + 4] == 4 else { return nil }
        return storage.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(fromByteOffset: valueStart + 5, as: uuid_t.self)) }
    }

    func objectID(at offset: Int) -> BSONObjectID {
        storage.withUnsafeBytes { bytes in
            BSONObjectID(
                high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
                low: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)))
        }
    }

    func timestamp() -> BSONTimestamp {
        let bits = UInt64(bitPattern: storage.bsonInt64(at: valueStart))
        return BSONTimestamp(seconds: UInt32(bits >> 32), increment: UInt32(truncatingIfNeeded: bits))
    }

    func decimal128() -> BSONDecimal128 {
        BSONDecimal128(
            low: UInt64(bitPattern: storage.bsonInt64(at: valueStart)),
            high: UInt64(bitPattern: storage.bsonInt64(at: valueStart + 8)))
    }

    /// The code's range and the scope of JavaScript with a scope: length, string, document.
    func scopedCode() throws(BSONError) -> (code: Range<Int>, scope: BSONDocument) {
        guard let size = storage.bsonSize(of: .string, at: valueStart + 4, limit: valueEnd) else {
            throw BSONError(.malformed, key: key)
        }
        let scope = try BSONDocument(viewing: storage, from: valueStart + 4 + size, upTo: valueEnd)
        return ((valueStart + 8)..<(valueStart + 3 + size), scope)
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: storage[range], as: UTF8.self)
    }

    private func binary() -> BSONValue {
        if let uuid = uuidIfAny() { return .uuid(uuid) }
        return .binary(BSONBinary(Array(storage[(valueStart + 5)..<valueEnd]), subtype: storage[valueStart + 4]))
    }

    private func regex() throws(BSONError) -> BSONValue {
        guard let zero = storage.bsonZero(from: valueStart, to: valueEnd) else { throw BSONError(.malformed, key: key) }
        return .regex(pattern: text(valueStart..<zero), options: text((zero + 1)..<(valueEnd - 1)))
    }

    private func javascriptWithScope() throws(BSONError) -> BSONValue {
        let (code, scope) = try scopedCode()
        return .javascript(code: text(code), scope: scope)
    }
}
