import QuartetCore

/// Texts made to break readers: random bytes, pieces that rules look for, and any scalars.
enum RandomText {
    private static let pieces = [
        "재밌", "지", " 않", "안 ", "못", "없", "도 ", "너무", "하지만 ", "ㅋㅋ", "ㅠ.ㅠ", "감동", "최악", "은", "배송", "not ", "never ",
        "good", "bad ", "'", "’t ",
        "but ", "very ", ".", "!", "?", ",", " ", "\n", "\u{0}", "\u{200D}", "\u{FE0F}", "👨‍👩‍👧", "🏽", "😡", "\u{301}",
        "\u{1100}", "\u{1161}", "\u{11A8}", "ㅏ",
        "杯", "ß", "é", "\u{10FFFF}", "\u{FFFD}", "\u{202E}", "<", "3", "^", "_", "T", "ｇ", "\u{85}", "\u{2028}",
    ]

    static func next(_ random: inout SplitMix) -> String {
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            let bytes = (0..<Int.random(in: 0..<120, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            return String(decoding: bytes, as: UTF8.self)
        case 1:
            return (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }.joined()
        default:
            var text = ""
            for _ in 0..<Int.random(in: 0..<60, using: &random) {
                if let scalar = Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &random)) {
                    text.unicodeScalars.append(scalar)
                }
            }
            return text
        }
    }
}

/// The bounds without the cost of an expectation each; ``expectSound`` says which one failed.
func isSound(_ reading: EmotionReading, of text: String) -> Bool {
    let sum = Emotion.allCases.reduce(0) { $0 + reading.scores[$1].tenThousandths }
    return abs(sum - 10_000) <= 7 && reading.keywords.count <= 16
        && reading.keywords.allSatisfy { !$0.isEmpty && $0.utf8.count <= 64 } && reading.excerpt.utf8.count <= 240
        && !reading.excerpt.utf8.contains(0)
        && (reading.excerpt.isEmpty || text.utf8.count >= reading.excerpt.utf8.count)
}
