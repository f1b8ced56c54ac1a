/// How many columns of a terminal a text takes: Hangul, Han and emoji take two, accents none.
///
/// Source: Unicode Standard Annex 11, East Asian Width, its wide and fullwidth blocks.
enum TextWidth {
    /// What most terminals show at least.
    static let columns = 80

    static func of(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + of($1) } }

    private static func of(_ character: Character) -> Int {
        var width = 0
        for scalar in character.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format, .control: continue
            default: width = max(width, isWide(scalar) ? 2 : 1)
            }
        }
        return width
    }

    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isEmojiPresentation { return true }
        return wide.contains { $0.contains(scalar.value) }
    }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x1F300...0x1FAFF, 0x20000...0x3FFFD,
    ]

    /// The text in so many columns: filled up with spaces, or cut with an ellipsis.
    static func fit(_ text: String, to columns: Int) -> String {
        let cut = cut(text, to: columns)
        return cut + String(repeating: " ", count: max(0, columns - of(cut)))
    }

    /// The text on one line, in at most so many columns.
    static func cut(_ text: String, to columns: Int) -> String {
        let flat = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard of(flat) > columns else { return flat }
        var (end, width) = (flat.startIndex, 0)
        while end < flat.endIndex, width + of(flat[end]) <= columns - 1 {
            width += of(flat[end])
            end = flat.index(after: end)
        }
        return flat[..<end] + "…"
    }
}
