package import QuartetCore

/// Texts made to break readers: random bytes, pieces that rules look for, any scalars, and now and then a long one.
package struct RandomText {
    /// As long as a text that the API takes, and longer.
    private static let repetitionsMax = 4_000

    private static let pieces = [
        "재밌", "지", " 않", "안 ", "못", "없", "도 ", "너무", "하지만 ", "ㅋㅋ", "ㅠ.ㅠ", "감동", "최악", "은", "배송", "not ", "never ",
        "good", "bad ", "'", "’t ", "but ", "very ", ".", "!", "?", ",", " ", "\n", "\u{0}", "\u{200D}", "\u{FE0F}",
        "👨‍👩‍👧", "🏽", "😡", "\u{301}", "\u{1100}", "\u{1161}", "\u{11A8}", "ㅏ", "杯", "ß", "é", "\u{10FFFF}", "\u{FFFD}",
        "\u{202E}", "<", "3", "^", "_", "T", "ｇ", "\u{85}", "\u{2028}",
    ]

    private var random: SeededGenerator

    package init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    package mutating func next() -> String {
        if random.below(2_000) == 0 {
            let text = short()
            return String(repeating: text, count: min(Self.repetitionsMax, 120_000 / max(1, text.utf8.count)))
        }
        return short()
    }

    private mutating func short() -> String {
        switch random.below(3) {
        case 0:
            let bytes = (0..<random.below(120)).map { _ in UInt8(random.below(256)) }
            return String(decoding: bytes, as: UTF8.self)
        case 1: return (0..<random.below(40)).map { _ in Self.pieces[random.below(Self.pieces.count)] }.joined()
        default:
            var text = ""
            for _ in 0..<random.below(60) {
                if let scalar = Unicode.Scalar(UInt32(random.below(0x11_0000))) { text.unicodeScalars.append(scalar) }
            }
            return text
        }
    }
}

extension EmotionReading {
    /// Whether every bound of a reading holds that does not depend on what was read well.
    package func isSound(for text: String) -> Bool {
        let sum = Emotion.allCases.reduce(0) { $0 + scores[$1].tenThousandths }
        return abs(sum - 10_000) <= 7 && abs(polarity.tenThousandths) <= 10_000 && keywords.count <= 16
            && Set(keywords).count == keywords.count
            && keywords.allSatisfy { !$0.isEmpty && $0.utf8.count <= 64 } && excerpt.utf8.count <= Excerpt.bytesMax
            && !excerpt.utf8.contains(0) && excerpt.utf8.count <= text.utf8.count
    }
}
