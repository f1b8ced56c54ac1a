import Foundation

/// Reading at an offset. Callers have checked that the bytes are there.
extension [UInt8] {
    func bsonInt32(at offset: Int) -> Int32 {
        withUnsafeBytes { Int32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int32.self)) }
    }
    func bsonInt64(at offset: Int) -> Int64 {
        withUnsafeBytes { Int64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int64.self)) }
    }

    /// The first zero in `start..<limit`.
    func bsonZero(from start: Int, to limit: Int) -> Int? {
        guard start < limit else { return nil }
        return withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let found = memchr(base + start, 0, limit - start) else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// How many bytes a value of `type` at `offset` takes, or nil if it does not end by `limit`. For strings the final zero
    /// is checked too, so that what is between can be taken without another look.
    func bsonSize(of type: BSONType, at offset: Int, limit: Int) -> Int? {
        let size: Int? =
            switch type {
            case .undefined, .null, .minKey, .maxKey: 0
            case .bool: 1
            case .int32: 4
            case .double, .date, .timestamp, .int64: 8
            case .objectID: 12
            case .decimal128: 16
            case .string, .javascript, .symbol: bsonStringSize(at: offset, limit: limit)
            case .document, .array: bsonPrefix(at: offset, limit: limit, least: 5)
            case .javascriptWithScope: bsonPrefix(at: offset, limit: limit, least: 14)
            case .binary: bsonPrefix(at: offset, limit: limit, least: 0).map { $0 + 5 }
            case .dbPointer: bsonStringSize(at: offset, limit: limit).map { $0 + 12 }
            case .regex:
                bsonZero(from: offset, to: limit).flatMap { bsonZero(from: $0 + 1, to: limit) }.map { $0 + 1 - offset }
            }
        guard let size, size <= limit - offset else { return nil }
        return size
    }

    private func bsonStringSize(at offset: Int, limit: Int) -> Int? {
        guard let length = bsonPrefix(at: offset, limit: limit, least: 1), length + 4 <= limit - offset,
            self[offset + 3 + length] == 0
        else { return nil }
        return length + 4
    }

    /// A length prefix of at least `least`.
    private func bsonPrefix(at offset: Int, limit: Int, least: Int32) -> Int? {
        guard limit - offset >= 4 else { return nil }
        let length = bsonInt32(at: offset)
        return length >= least ? Int(length) : nil
    }
}
