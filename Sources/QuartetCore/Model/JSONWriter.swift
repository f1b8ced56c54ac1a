import ClientSupport

/// Writes JSON into a growing buffer, without an intermediate tree: for answers, results and events on the hot paths.
///
/// Keys and values must alternate inside an object, which the caller's closures make plain.
package struct JSONWriter: Sendable {
    private var out: ByteBuilder
    private var needsComma = false

    package init(capacity: Int = 256) {
        out = ByteBuilder(reserving: capacity)
    }

    package var bytes: [UInt8] { out.bytes }

    /// The bytes of one object.
    package static func object(capacity: Int = 256, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        writer.object(body)
        return writer.out.take()
    }

    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        nest(open: "{", close: "}", body)
    }

    package mutating func array(_ body: (inout JSONWriter) -> Void) {
        nest(open: "[", close: "]", body)
    }

    package mutating func key(_ name: String) {
        quote(name, endingWith: UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func value(_ text: String) {
        quote(text, endingWith: nil)
    }

    package mutating func value(_ number: some BinaryInteger) {
        separate()
        guard let small = Int32(exactly: number) else { return out.append(contentsOf: String(number).utf8) }
        append(small)
    }

    package mutating func value(_ number: Double) {
        separate()
        out.append(contentsOf: (number.isFinite ? String(number) : "null").utf8)
    }

    /// Four decimals at most, without trailing zeros.
    package mutating func value(_ fraction: Fraction) {
        separate()
        var rest = abs(Int(fraction.tenThousandths))
        if fraction.tenThousandths < 0 { out.append(UInt8(ascii: "-")) }
        out.append(UInt8(ascii: "0") + UInt8(rest / Fraction.scale))
        rest %= Fraction.scale
        guard rest > 0 else { return }
        out.append(UInt8(ascii: "."))
        var unit = Fraction.scale / 10
        while rest > 0 {
            out.append(UInt8(ascii: "0") + UInt8(rest / unit))
            rest %= unit
            unit /= 10
        }
    }

    package mutating func value(_ flag: Bool) {
        separate()
        out.append(contentsOf: (flag ? "true" : "false").utf8)
    }

    package mutating func null() {
        separate()
        out.append(contentsOf: "null".utf8)
    }

    /// A value that is JSON already.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        separate()
        out.append(contentsOf: json)
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
        out.append(UInt8(ascii: open))
        needsComma = false
        body(&self)
        out.append(UInt8(ascii: close))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { out.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// The digits, without a string.
    private mutating func append(_ number: Int32) {
        if number < 0 { out.append(UInt8(ascii: "-")) }
        let size = number.magnitude
        var unit: UInt32 = 1
        while size / unit >= 10 { unit *= 10 }
        while unit > 0 {
            out.append(UInt8(ascii: "0") + UInt8(size / unit % 10))
            unit /= 10
        }
    }

    private mutating func quote(_ text: String, endingWith last: UInt8?) {
        separate()
        var text = text
        text.withUTF8 { utf8 in
            var escapes: UInt8 = 0
            for byte in utf8 { escapes |= Self.isEscaped(byte) ? 1 : 0 }
            guard escapes == 0 else { return quote(escaping: utf8) }
            // Most text is as it is in JSON, and is taken over at once.
            out.append(utf8.count + 2) { place in
                place.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
                if let base = utf8.baseAddress { (place + 1).copyMemory(from: base, byteCount: utf8.count) }
                (place + 1 + utf8.count).storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            }
        }
        if let last { out.append(last) }
    }

    private mutating func quote(escaping utf8: UnsafeBufferPointer<UInt8>) {
        out.append(UInt8(ascii: "\""))
        for byte in utf8 { append(escaping: byte) }
        out.append(UInt8(ascii: "\""))
    }

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func append(escaping byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            out.append(UInt8(ascii: "\\"))
            out.append(byte)
        case 0x0A: out.append(contentsOf: "\\n".utf8)
        case 0..<0x20:
            out.append(contentsOf: "\\u00".utf8)
            out.append(Self.hexDigits[Int(byte >> 4)])
            out.append(Self.hexDigits[Int(byte & 15)])
        default: out.append(byte)
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
