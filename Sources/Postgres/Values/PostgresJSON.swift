/// A `jsonb` value as its text in UTF-8. Also read from `json`.
package struct PostgresJSON: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension PostgresJSON: PostgresScalar {
    /// The binary form of `jsonb` is its text after this byte.
    private static let version: UInt8 = 1

    package static var postgresType: PostgresType { .jsonb }
    package static var postgresArrayType: PostgresType { .jsonbArray }

    package func encode(into buffer: inout [UInt8]) {
        buffer.append(Self.version)
        buffer.append(contentsOf: bytes)
    }

    package static func decode(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingProblem) -> PostgresJSON {
        switch type {
        case .jsonb:
            try checkVersion(bytes)
            return PostgresJSON(bytes.withUnsafeBytes { Array($0.dropFirst()) })
        case .json, .text: return PostgresJSON(bytes.withUnsafeBytes { Array($0) })
        default: throw .type(type)
        }
    }

    static func checkVersion(_ bytes: RawSpan) throws(PostgresDecodingProblem) {
        guard try bytes.integer(as: UInt8.self) == version else { throw .malformed }
    }
}
