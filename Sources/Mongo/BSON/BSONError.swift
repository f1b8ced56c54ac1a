/// Bytes that are no BSON, or a value that is not what its reader wants. Safe to log: it names keys and types, no values.
package struct BSONError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// Lengths and bytes don't fit together.
        case malformed
        case unknownType(UInt8)
        case invalidUTF8
        /// Documents nested deeper than ``BSONDocument/depthMax``.
        case tooDeep
        case missingKey
        /// A value of another type, or a number that the wanted type can't hold.
        case typeMismatch(wanted: String, found: BSONType)
    }

    package let code: Code
    /// The key of the element, dotted where nested; empty if it has none.
    package let key: String

    package init(_ code: Code, key: String = "") {
        self.code = code
        self.key = key
    }

    package var description: String {
        let what =
            switch code {
            case .malformed: "malformed BSON"
            case .unknownType(let byte): "unknown BSON type \(byte)"
            case .invalidUTF8: "BSON string that is not UTF-8"
            case .tooDeep: "BSON nested deeper than \(BSONDocument.depthMax)"
            case .missingKey: "missing"
            case .typeMismatch(let wanted, let found): "\(found), not \(wanted)"
            }
        return key.isEmpty ? what : "\(key): \(what)"
    }
}
