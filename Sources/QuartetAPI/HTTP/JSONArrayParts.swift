import NIOCore

/// The elements of a JSON array, each as the bytes it came in, found one after the other: whoever counts them stops before
/// the rest has cost anything.
///
/// Brackets and quotes are matched by their number alone; whether an element is JSON is for its decoder to say.
struct JSONArrayParts {
    private let bytes: ByteBufferView
    private var place: Int
    private var isAtEnd = false

    /// - Throws: `NotAnArray`, where anything else than white space and a bracket comes first.
    init(_ body: ByteBuffer) throws {
        bytes = body.readableBytesView
        place = bytes.startIndex
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place += 3 }
        skipSpace()
        guard take("[") else { throw NotAnArray() }
        skipSpace()
        if take("]") { try finish() }
    }

    struct NotAnArray: Error {}
    /// The array has no end, or something else than a comma between two elements.
    struct NotJSON: Error {}

    /// The next element, nil behind the last.
    ///
    /// - Throws: `NotJSON`.
    mutating func next() throws -> ByteBufferView? {
        guard !isAtEnd else { return nil }
        let start = place
        try skipElement()
        let element = bytes[start..<place]
        guard !element.isEmpty else { throw NotJSON() }
        if take("]") {
            try finish()
        } else if take(",") {
            skipSpace()
        } else {
            throw NotJSON()
        }
        return element
    }

    private mutating func finish() throws {
        skipSpace()
        guard place == bytes.endIndex else { throw NotJSON() }
        isAtEnd = true
    }

    /// Stands then at the comma or the bracket that ends the element.
    private mutating func skipElement() throws {
        var depth = 0
        while place < bytes.endIndex {
            switch bytes[place] {
            case UInt8(ascii: "\""): try skipString()
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if depth == 0 { return }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return
            default: break
            }
            place += 1
        }
        throw NotJSON()
    }

    /// Stands then at the quote that ends it.
    private mutating func skipString() throws {
        place += 1
        while place < bytes.endIndex {
            switch bytes[place] {
            case UInt8(ascii: "\""): return
            case UInt8(ascii: "\\"): place += 2
            default: place += 1
            }
        }
        throw NotJSON()
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
