import Foundation
import Mongo

/// Makes damaged copies of what is stored: missing, of another type, huge, negative, no number, deep, wrong bytes, unknown.
struct Damage {
    private var generator: SeededGenerator

    /// How many of each kind are made: a few in CI, more by `QUARTET_HOSTILE_ITEMS`.
    static var count: Int {
        ProcessInfo.processInfo.environment["QUARTET_HOSTILE_ITEMS"].flatMap(Int.init) ?? 600
    }

    init(seed: UInt64) {
        generator = SeededGenerator(state: seed)
    }

    /// One to three fields of `document` are not what they should be. Its key stays, so that it is met.
    mutating func damaged(_ document: BSONDocument) -> BSONDocument {
        var fields = document.map { ($0.key, $0.value) }
        for _ in 0..<number(in: 1...3) {
            guard fields.count > 1 else { break }
            let index = number(in: 1...fields.count - 1)
            switch number(in: 0...5) {
            case 0: fields.remove(at: index)
            case 1: fields.append(("unknown\(number(in: 0...9))", value()))
            case 2:
                guard case .document(let inner) = fields[index].1, inner.contains(where: { _ in true }) else {
                    fields[index].1 = value()
                    continue
                }
                fields[index].1 = .document(damagedInside(inner))
            default: fields[index].1 = value()
            }
        }
        return BSONDocument(fields)
    }

    private mutating func damagedInside(_ document: BSONDocument) -> BSONDocument {
        var fields = document.map { ($0.key, $0.value) }
        let index = number(in: 0...fields.count - 1)
        if number(in: 0...2) == 0 { fields.remove(at: index) } else { fields[index].1 = value() }
        return BSONDocument(fields)
    }

    /// Anything but what is wanted.
    mutating func value() -> BSONValue {
        switch number(in: 0...18) {
        case 0: .null
        case 1: .int32(.min)
        case 2: .int32(.max)
        case 3: .int64(.min)
        case 4: .int64(.max)
        case 5: .int64(1 << 31)
        case 6: .double(.nan)
        case 7: .double(.infinity)
        case 8: .double(-0.5)
        case 9: .double(1e300)
        case 10: .string("")
        case 11: .string(String(repeating: "\u{1F600}", count: number(in: 1...5000)))
        case 12: .date(milliseconds: number(in: 0...1) == 0 ? .min : .max)
        case 13: .document((0..<60).reduce(BSONDocument()) { inner, _ in ["d": .document(inner)] })
        case 14: .array((0..<number(in: 0...50)).map { _ in BSONValue.double(.nan) })
        case 15: .binary(BSONBinary([0xFF, 0xFE], subtype: 0))
        case 16: .bool(true)
        case 17: .minKey
        default: .int32(-1)
        }
    }

    /// What a text field may hold that should be a number or a word.
    mutating func text() -> [UInt8] {
        let texts = [
            "", "-1", "nan", "inf", "1e400", "0x10", "9223372036854775807", "18446744073709551616", "1.5", " 1",
            "zombie",
            String(repeating: "9", count: 400), "\u{0}", "running", "completed", "00000000000000000001",
        ]
        return number(in: 0...8) == 0 ? [0xFF, 0x00, 0xC0] : Array(texts[number(in: 0...texts.count - 1)].utf8)
    }

    mutating func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
}

/// SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
