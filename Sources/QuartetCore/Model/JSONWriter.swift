/// Writes JSON into a growing buffer, without an intermediate tree: for answers, results and events on the hot paths.
///
/// Keys and values must alternate inside an object, which the caller's closures make plain.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// The bytes of one object.
    package static func object(capacity: Int = 256, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        writer.object(body)
        return writer.bytes
    }

    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        nest(open: "{", close: "}", body)
    }

    package mutating func array(_ body: (inout JSONWriter) -> Void) {
        nest(open: "[", close: "]", body)
    }

    package mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func value(_ text: String) {
        separate()
        quote(text)
    }

    package mutating func value(_ number: some BinaryInteger) {
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    package mutating func value(_ number: Double) {
        separate()
        bytes.append(contentsOf: (number.isFinite ? String(number) : "null").utf8)
    }

    /// Four decimals at most, without trailing zeros.
    package mutating func value(_ fraction: Fraction) {
        separate()
        var rest = abs(Int(fraction.tenThousandths))
        if fraction.tenThousandths < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes.append(UInt8(ascii: "0") + UInt8(rest / Fraction.scale))
        rest %= Fraction.scale
        guard rest > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var unit = Fraction.scale / 10
        while rest > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / unit))
            rest %= unit
            unit /= 10
        }
    }

    package mutating func value(_ flag: Bool) {
        separate()
        bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    }

    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    /// A value that is JSON already.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    package mutating func field(_ name: String, _ text: String) {
        key(name)
        value(text)
    }

    package mutating func field(_ name: String, _ number: some BinaryInteger) {
        key(name)
        value(number)
    }

    package mutating func field(_ name: String, _ fraction: Fraction) {
        key(name)
        value(fraction)
    }

    /// The fields of an object that is JSON already.
    package mutating func fields(ofObject json: [UInt8]) {
        let inner = json.drop { $0 != UInt8(ascii: "{") }.dropFirst()
        let fields = inner.prefix { _ in true }.reversed().drop { $0 != UInt8(ascii: "}") }.dropFirst().reversed()
        guard fields.contains(UInt8(ascii: ":")) else { return }
        raw(Array(fields))
    }

    /// Leaves the field out where there is no text.
    package mutating func field(_ name: String, ifPresent text: String?) {
        if let text { field(name, text) }
    }

    private mutating func nest(open: Unicode.Scalar, close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: open))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: close))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            // Most text is as it is in JSON, and is taken over at once.
            if utf8.contains(where: Self.isEscaped) {
                for byte in utf8 { append(escaping: byte) }
            } else {
                bytes.append(contentsOf: utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func append(escaping byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0..<0x20:
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(Self.hexDigits[Int(byte >> 4)])
            bytes.append(Self.hexDigits[Int(byte & 15)])
        default: bytes.append(byte)
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
