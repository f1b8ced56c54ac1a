/// A RESP2 reply. Strings are bytes: what is stored need not be text.
package enum RedisValue: Sendable, Hashable {
    case null
    case simpleString([UInt8])
    case bulkString([UInt8])
    case integer(Int64)
    /// An error reply inside an array; as a whole reply it is thrown as ``RedisError``.
    case error(String)
    case array([RedisValue])
}

extension RedisValue {
    package var isNull: Bool { self == .null }

    /// The bytes of a string reply.
    package func bytes() throws(RedisError) -> [UInt8] {
        switch self {
        case .simpleString(let bytes), .bulkString(let bytes): return bytes
        default: throw mismatch(expected: "a string")
        }
    }

    /// A string reply as UTF-8; throws where it is not.
    package func string() throws(RedisError) -> String {
        guard let text = String(validating: try bytes(), as: UTF8.self) else {
            throw RedisError(.decoding, "expected UTF-8, got other bytes")
        }
        return text
    }

    /// An integer reply, or a string reply of digits, as scripts and HGET give.
    package func int() throws(RedisError) -> Int64 {
        switch self {
        case .integer(let value): return value
        case .simpleString(let bytes), .bulkString(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self), let value = Int64(text) else {
                throw RedisError(.decoding, "expected an integer, got another string")
            }
            return value
        default: throw mismatch(expected: "an integer")
        }
    }

    package func array() throws(RedisError) -> [RedisValue] {
        guard case .array(let elements) = self else { throw mismatch(expected: "an array") }
        return elements
    }

    /// A flat array of fields and values, as HGETALL gives; fields are UTF-8.
    package func map() throws(RedisError) -> [String: [UInt8]] {
        let elements = try array()
        guard elements.count.isMultiple(of: 2) else {
            throw RedisError(.decoding, "expected fields and values, got \(elements.count) elements")
        }
        var map: [String: [UInt8]] = [:]
        map.reserveCapacity(elements.count / 2)
        for index in stride(from: 0, to: elements.count, by: 2) {
            map[try elements[index].string()] = try elements[index + 1].bytes()
        }
        return map
    }

    /// As ``bytes()``; nil for null.
    package func bytesIfPresent() throws(RedisError) -> [UInt8]? { isNull ? nil : try bytes() }

    /// As ``string()``; nil for null.
    package func stringIfPresent() throws(RedisError) -> String? { isNull ? nil : try string() }

    /// As ``int()``; nil for null.
    package func intIfPresent() throws(RedisError) -> Int64? { isNull ? nil : try int() }

    private func mismatch(expected: String) -> RedisError {
        if case .error(let reply) = self { return RedisError(reply: reply) }
        return RedisError(.decoding, "expected \(expected), got \(kind)")
    }

    private var kind: String {
        switch self {
        case .null: "null"
        case .simpleString, .bulkString: "a string"
        case .integer: "an integer"
        case .error: "an error"
        case .array: "an array"
        }
    }
}

extension RedisValue {
    /// The reply as its caller gets it: an error reply is a failure.
    func result(location: String) -> Result<RedisValue, RedisError> {
        guard case .error(let reply) = self else { return .success(self) }
        return .failure(RedisError(reply: reply, location: location))
    }
}
