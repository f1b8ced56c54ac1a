/// One JSON object of plain texts and whole numbers, read in one pass without an allocation per field.
///
/// It does not say whether other bytes are JSON: what has escapes, nested values or fractions is for a full decoder.
package struct FlatJSON {
    private enum Value {
        case text(Range<Int>)
        case integer(Int64)
    }

    private let bytes: [UInt8]
    private var fields: [(key: Range<Int>, value: Value)] = []

    package init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        fields.reserveCapacity(4)
        var place = 0
        guard skip(UInt8(ascii: "{"), &place) else { return nil }
        repeat {
            guard let key = quoted(&place), skip(UInt8(ascii: ":"), &place), let value = value(&place) else {
                return nil
            }
            fields.append((key, value))
        } while skip(UInt8(ascii: ","), &place)
        guard skip(UInt8(ascii: "}"), &place) else { return nil }
        skipSpace(&place)
        guard place == bytes.count else { return nil }
    }

    /// Of a field that comes twice, the last one counts, as in JSONDecoder and PostgreSQL.
    package func text(_ name: StaticString) -> String? {
        guard case .text(let range)? = value(of: name) else { return nil }
        return String(validating: bytes[range], as: UTF8.self)
    }

    package func integer(_ name: StaticString) -> Int64? {
        guard case .integer(let number)? = value(of: name) else { return nil }
        return number
    }

    private func value(of name: StaticString) -> Value? {
        let wanted = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return fields.last { bytes[$0.key].elementsEqual(wanted) }?.value
    }

    private func value(_ place: inout Int) -> Value? {
        skipSpace(&place)
        guard place < bytes.count else { return nil }
        if bytes[place] == UInt8(ascii: "\"") { return quoted(&place).map(Value.text) }
        let start = place
        if bytes[place] == UInt8(ascii: "-") { place += 1 }
        let digits = place
        while place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) { place += 1 }
        guard place > digits, place - digits == 1 || bytes[digits] != UInt8(ascii: "0") else { return nil }
        return Int64(String(decoding: bytes[start..<place], as: UTF8.self)).map(Value.integer)
    }

    /// A text without escapes, without its quotes.
    private func quoted(_ place: inout Int) -> Range<Int>? {
        guard skip(UInt8(ascii: "\""), &place) else { return nil }
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            guard bytes[place] >= 0x20, bytes[place] != UInt8(ascii: "\\") else { return nil }
            place += 1
        }
        guard place < bytes.count else { return nil }
        place += 1
        return start..<(place - 1)
    }

    private func skip(_ byte: UInt8, _ place: inout Int) -> Bool {
        skipSpace(&place)
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private func skipSpace(_ place: inout Int) {
        while place < bytes.count {
            switch bytes[place] {
            case 0x20, 0x09, 0x0A, 0x0D: place += 1
            default: return
            }
        }
    }
}
