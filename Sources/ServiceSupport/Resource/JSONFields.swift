import QuartetCore

/// The fields of one JSON object, in one pass. What is nested stays as it was written.
struct JSONFields {
    enum Value: Sendable, Hashable {
        case null
        case text(String)
        /// As it was written.
        case number(String)
        case flag(Bool)
        case nested([UInt8])

        var json: [UInt8] {
            var writer = JSONWriter()
            switch self {
            case .null: writer.null()
            case .text(let text): writer.value(text)
            case .number(let number): writer.raw(number.utf8)
            case .flag(let flag): writer.value(flag)
            case .nested(let bytes): return bytes
            }
            return writer.bytes
        }
    }

    /// Why bytes are none.
    struct Malformed: Error {}

    private(set) var fields: [(name: String, value: Value)] = []
    private let bytes: ArraySlice<UInt8>
    private var place: Int

    init(_ bytes: some Collection<UInt8>) throws(Malformed) {
        self.bytes = Array(bytes)[...]
        place = self.bytes.startIndex
        fields.reserveCapacity(12)
        try expect("{")
        if !take("}") {
            repeat {
                skipSpace()
                let name = try text()
                try expect(":")
                fields.append((name, try value()))
            } while take(",")
            try expect("}")
        }
        try end()
    }

    private mutating func end() throws(Malformed) {
        skipSpace()
        guard place == bytes.endIndex else { throw Malformed() }
    }

    private mutating func value() throws(Malformed) -> Value {
        skipSpace()
        guard place < bytes.endIndex else { throw Malformed() }
        switch bytes[place] {
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "{"), UInt8(ascii: "["): return .nested(try nested())
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "t"): return try word("true", .flag(true))
        case UInt8(ascii: "f"): return try word("false", .flag(false))
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: StaticString, _ value: Value) throws(Malformed) -> Value {
        let end = place + word.utf8CodeUnitCount
        let isThere = word.withUTF8Buffer { end <= bytes.endIndex && bytes[place..<end].elementsEqual($0) }
        guard isThere else { throw Malformed() }
        place = end
        return value
    }

    private mutating func number() throws(Malformed) -> String {
        let start = place
        while place < bytes.endIndex, Self.isPartOfNumber(bytes[place]) { place += 1 }
        guard Self.isNumber(bytes[start..<place]) else { throw Malformed() }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    /// Source: RFC 8259, section 6.
    private static func isNumber(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        func take(_ wanted: String.UTF8View) -> Bool {
            guard let first = rest.first, wanted.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        func takeDigits() -> Bool {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest[digits.endIndex...]
            return !digits.isEmpty
        }
        _ = take("-".utf8)
        guard take("0".utf8) || takeDigits() else { return false }
        if take(".".utf8), !takeDigits() { return false }
        if take("eE".utf8) {
            _ = take("+-".utf8)
            guard takeDigits() else { return false }
        }
        return rest.isEmpty
    }

    private static func isPartOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private mutating func text() throws(Malformed) -> String {
        guard place < bytes.endIndex, bytes[place] == UInt8(ascii: "\"") else { throw Malformed() }
        place += 1
        let start = place
        var isPlain = true
        while place < bytes.endIndex, bytes[place] != UInt8(ascii: "\"") {
            guard bytes[place] >= 0x20 else { throw Malformed() }
            if bytes[place] == UInt8(ascii: "\\") {
                isPlain = false
                place += 1
            }
            place += 1
        }
        guard place < bytes.endIndex else { throw Malformed() }
        let raw = bytes[start..<place]
        place += 1
        if isPlain {
            guard let text = String(validating: raw, as: UTF8.self) else { throw Malformed() }
            return text
        }
        return try Self.unescaped(raw)
    }

    /// Source: RFC 8259, section 7.
    private static func unescaped(_ raw: ArraySlice<UInt8>) throws(Malformed) -> String {
        var units: [UInt8] = []
        var place = raw.startIndex
        while place < raw.endIndex {
            guard raw[place] == UInt8(ascii: "\\") else {
                units.append(raw[place])
                place += 1
                continue
            }
            let sign = raw[place + 1]
            place += 2
            if let plain = escapes[sign] {
                units.append(plain)
                continue
            }
            guard sign == UInt8(ascii: "u"), let first = hex(raw, &place) else { throw Malformed() }
            var scalar = UInt32(first)
            if (0xD800...0xDBFF).contains(first) {
                guard place + 1 < raw.endIndex, raw[place] == UInt8(ascii: "\\"), raw[place + 1] == UInt8(ascii: "u")
                else { throw Malformed() }
                place += 2
                guard let second = hex(raw, &place), (0xDC00...0xDFFF).contains(second) else { throw Malformed() }
                scalar = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
            }
            guard let character = Unicode.Scalar(scalar) else { throw Malformed() }
            units.append(contentsOf: String(Character(character)).utf8)
        }
        guard let text = String(validating: units, as: UTF8.self) else { throw Malformed() }
        return text
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
        UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
    ]

    private static func hex(_ raw: ArraySlice<UInt8>, _ place: inout Int) -> UInt16? {
        guard place + 4 <= raw.endIndex else { return nil }
        defer { place += 4 }
        // A sign would do for a number.
        guard raw[place] != UInt8(ascii: "+"), raw[place] != UInt8(ascii: "-") else { return nil }
        return UInt16(String(decoding: raw[place..<place + 4], as: UTF8.self), radix: 16)
    }

    /// To where its braces and brackets close; PostgreSQL reads the rest of it.
    private mutating func nested() throws(Malformed) -> [UInt8] {
        let start = place
        var depth = 0
        repeat {
            guard place < bytes.endIndex else { throw Malformed() }
            switch bytes[place] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                _ = try text()
                continue
            default: break
            }
            place += 1
        } while depth > 0
        return Array(bytes[start..<place])
    }

    private mutating func skipSpace() {
        while place < bytes.endIndex, Self.isSpace(bytes[place]) { place += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte) && byte != 0x0B && byte != 0x0C
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        skipSpace()
        guard place < bytes.endIndex, bytes[place] == UInt8(ascii: sign) else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ sign: Unicode.Scalar) throws(Malformed) {
        guard take(sign) else { throw Malformed() }
    }
}
