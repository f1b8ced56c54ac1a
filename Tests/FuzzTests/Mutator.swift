/// Makes inputs out of good ones: bits and bytes changed, stretches removed, repeated or taken from another one, words and
/// numbers of the extreme kind put in.
struct Mutator {
    private static let bytesMax = 4096
    private static let extremes: [UInt64] = [
        0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, .max, .max >> 1,
    ]
    private static let letters: [[UInt8]] =
        [
            "\"", "\\", "{", "}", "[", "]", ",", ":", "\n", "\r\n", "\t", " ", "null", "true", "-1", "1e999", "0.5",
            "9223372036854775808", "\\u0000", "\\ud800", "\u{FEFF}", "é", "e\u{301}", "\u{1F600}", "%00", "--", "#",
            "&a *a",
        ].map { Array($0.utf8) } + [[0], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]]

    private let corpus: [[UInt8]]
    private let words: [[UInt8]]
    private var generator: SplitMix64

    init(seed: UInt64, corpus: [[UInt8]], words: [[UInt8]]) {
        self.corpus = corpus
        self.words = words + Self.letters
        generator = SplitMix64(state: seed)
    }

    mutating func next() -> [UInt8] {
        var bytes = corpus[number(below: corpus.count)]
        // Most with little damage: what is refused at its first byte tells nothing of what comes behind.
        for _ in 0...number(below: number(below: 4) == 0 ? 12 : 2) { change(&bytes) }
        return bytes.count > Self.bytesMax ? Array(bytes[..<Self.bytesMax]) : bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = number(below: bytes.count + 1)
        switch number(below: 9) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(number(below: 8))
        case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
        case 2: bytes.removeSubrange(stretch(of: bytes, from: place))
        case 3: bytes.insert(contentsOf: bytes[stretch(of: bytes, from: place)], at: place)
        case 4: bytes.insert(contentsOf: words[number(below: words.count)], at: place)
        case 5:
            let word = words[number(below: words.count)]
            bytes.replaceSubrange(place..<min(bytes.count, place + word.count), with: word)
        case 6:
            let other = corpus[number(below: corpus.count)]
            bytes.replaceSubrange(place..., with: other[number(below: other.count + 1)...])
        case 7:
            // A length or a number in binary.
            let value = Self.extremes[number(below: Self.extremes.count)]
            let isLittle = number(below: 2) == 0
            let width = min([1, 2, 4, 8][number(below: 4)], bytes.count - place)
            for index in 0..<width {
                bytes[place + index] = UInt8(
                    truncatingIfNeeded: value >> (8 * UInt64(isLittle ? index : width - 1 - index)))
            }
        default: if number(below: 4) == 0 { bytes.removeSubrange(place...) }
        }
    }

    private mutating func stretch(of bytes: [UInt8], from place: Int) -> Range<Int> {
        place..<min(bytes.count, place + 1 + number(below: 24))
    }

    mutating func number(below bound: Int) -> Int { Int.random(in: 0..<max(bound, 1), using: &generator) }
}

struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
