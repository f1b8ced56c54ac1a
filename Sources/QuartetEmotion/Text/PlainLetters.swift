import Foundation

/// The ASCII letter below each accented Latin one.
enum PlainLetters {
    /// For U+0000...U+02FF and, behind them, U+1E00...U+1EFF; 0 where there is none.
    static let table: [UInt8] = (Array(0..<0x300) + Array(0x1E00..<0x1F00)).map { letter(below: $0) }

    private static func letter(below value: UInt32) -> UInt8 {
        guard let scalar = Unicode.Scalar(value), scalar.properties.isAlphabetic else { return 0 }
        if let letter = undecomposed[scalar] { return letter }
        let first = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars.first?.value ?? 0
        let lowered = first | 0x20
        return first < 0x80 && (0x61...0x7A).contains(lowered) ? UInt8(lowered) : 0
    }

    private static let undecomposed: [Unicode.Scalar: UInt8] = {
        var table: [Unicode.Scalar: UInt8] = [:]
        for (letter, others) in [
            ("a", "æÆ"), ("d", "ðÐđĐ"), ("h", "ħĦ"), ("i", "ı"), ("l", "łŁ"), ("o", "øØœŒ"), ("s", "ßẞ"), ("t", "þÞŧŦ"),
        ] {
            for scalar in others.unicodeScalars { table[scalar] = letter.utf8.first }
        }
        return table
    }()

    /// A word as people write it: small letters, accents composed, and nothing that is no part of a word.
    static func spelled(_ bytes: some Collection<UInt8>) -> String {
        let word = String(decoding: bytes, as: UTF8.self).lowercased().precomposedStringWithCanonicalMapping
        var kept = String.UnicodeScalarView()
        kept.append(contentsOf: word.unicodeScalars.filter { $0.properties.isAlphabetic || isWordMark($0) })
        return String(kept)
    }

    private static func isWordMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20, 0x27, 0x2D, 0x30...0x39, 0x0300...0x036F: true
        default: false
        }
    }
}
