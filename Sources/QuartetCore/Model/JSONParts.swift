/// The parts of a JSON array or object, each as the bytes it came in, found one after the other: whoever counts them stops
/// before the rest has cost anything.
///
/// Brackets and quotes are matched by their number alone; whether a part is JSON is for its decoder to say.
package struct JSONParts {
    package enum Failure: Error {
        /// Something else than the wanted bracket comes first.
        case otherKind
        /// It has no end, or something else than a comma between two parts.
        case notJSON
    }

    private let bytes: [UInt8]
    private let isObject: Bool
    private var place = 0
    private var isAtEnd = false

    package static func array(_ bytes: [UInt8]) throws(Failure) -> JSONParts { try JSONParts(bytes, isObject: false) }
    package static func object(_ bytes: [UInt8]) throws(Failure) -> JSONParts { try JSONParts(bytes, isObject: true) }

    private init(_ bytes: [UInt8], isObject: Bool) throws(Failure) {
        self.bytes = bytes
        self.isObject = isObject
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place += 3 }
        skipSpace()
        guard take(isObject ? "{" : "[") else { throw .otherKind }
        skipSpace()
        if take(isObject ? "}" : "]") { try finish() }
    }

    /// The next element of an array, nil behind the last.
    package mutating func next() throws(Failure) -> ArraySlice<UInt8>? {
        guard !isAtEnd else { return nil }
        let element = try skipValue()
        try skipSeparator()
        return element
    }

    /// The next member of an object, nil behind the last; the key with its quotes.
    package mutating func nextMember() throws(Failure) -> (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        guard !isAtEnd else { return nil }
        let start = place
        guard take("\"") else { throw .notJSON }
        try skipString()
        let key = bytes[start..<place]
        skipSpace()
        guard take(":") else { throw .notJSON }
        skipSpace()
        let value = try skipValue()
        try skipSeparator()
        return (key, value)
    }

    private mutating func skipSeparator() throws(Failure) {
        if take(isObject ? "}" : "]") {
            try finish()
        } else if take(",") {
            skipSpace()
        } else {
            throw .notJSON
        }
    }

    private mutating func finish() throws(Failure) {
        skipSpace()
        guard place == bytes.endIndex else { throw .notJSON }
        isAtEnd = true
    }

    /// Stands then at the comma or the bracket that ends the value.
    private mutating func skipValue() throws(Failure) -> ArraySlice<UInt8> {
        let start = place
        var depth = 0
        while place < bytes.endIndex {
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if depth == 0 { return try value(from: start) }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return try value(from: start)
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            default: break
            }
            place += 1
            if byte == UInt8(ascii: "\"") { try skipString() }
        }
        throw .notJSON
    }

    private func value(from start: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard place > start else { throw .notJSON }
        return bytes[start..<place]
    }

    /// Stands then behind the quote that ends it.
    private mutating func skipString() throws(Failure) {
        while place < bytes.endIndex {
            let byte = bytes[place]
            place += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
        throw .notJSON
    }

    private mutating func skipSpace() {
        while place < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard place < bytes.endIndex, bytes[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }
}
