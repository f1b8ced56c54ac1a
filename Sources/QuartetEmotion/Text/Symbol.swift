/// The alphabet that text is folded into: one byte each, so that tables over it stay small.
///
/// A Hangul syllable becomes two or three of them (initial, vowel, final), which lets one stem match all its inflected
/// forms: `슬프` without its vowel is a prefix of 슬프다, 슬픈, 슬퍼 and 슬픔 alike.
enum Symbol {
    static let space: UInt8 = 0
    static let lineBreak: UInt8 = 1
    static let letters: ClosedRange<UInt8> = 2...27
    static let apostrophe: UInt8 = 28
    static let digits: ClosedRange<UInt8> = 29...38
    /// A letter of any other script.
    static let otherLetter: UInt8 = 39
    static let initials: ClosedRange<UInt8> = 40...58
    static let vowels: ClosedRange<UInt8> = 59...79
    static let finals: ClosedRange<UInt8> = 80...106
    /// Consonants and vowels that stand alone, as in ㅋㅋ and ㅠㅠ.
    static let jamo: ClosedRange<UInt8> = 107...157
    /// ASCII punctuation, in ASCII order.
    static let punctuation: ClosedRange<UInt8> = 158...189
    /// The picture classes of ``Pictograph``.
    static let pictographs: ClosedRange<UInt8> = 190...205
    /// Anything else that is seen but is no letter.
    static let other: UInt8 = 255

    static let fullStop: UInt8 = 171
    static let comma: UInt8 = 169

    enum Kind: UInt8 {
        case gap, hangul, jamo, latin, otherLetter
    }

    @inline(__always)
    static func kind(_ symbol: UInt8) -> Kind {
        switch symbol {
        case initials.lowerBound...finals.upperBound: .hangul
        case letters.lowerBound...digits.upperBound: .latin
        case jamo: .jamo
        case otherLetter: .otherLetter
        default: .gap
        }
    }

    /// The symbol of an ASCII punctuation character (0x21...0x7E without letters and digits).
    @inline(__always)
    static func punctuation(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x21...0x2F: punctuation.lowerBound + (byte - 0x21)
        case 0x3A...0x40: punctuation.lowerBound + 15 + (byte - 0x3A)
        case 0x5B...0x60: punctuation.lowerBound + 22 + (byte - 0x5B)
        case 0x7B...0x7E: punctuation.lowerBound + 28 + (byte - 0x7B)
        default: other
        }
    }

    /// Where a lone consonant (ㄱ is 0) is also an initial, that initial; nil for vowels and clusters.
    static func initial(ofJamo symbol: UInt8) -> UInt8? {
        let order: [UInt8] = [0, 1, 3, 6, 7, 8, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]
        guard jamo.contains(symbol), let index = order.firstIndex(of: symbol - jamo.lowerBound) else { return nil }
        return initials.lowerBound + UInt8(index)
    }

    /// Appends the UTF-8 of what `symbols` spell. Letters of other scripts and most marks can't be told any more and
    /// are left out.
    static func appendUTF8(of symbols: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        var index = symbols.startIndex
        while index < symbols.endIndex {
            let symbol = symbols[index]
            index += 1
            switch symbol {
            case space: bytes.append(0x20)
            case letters: bytes.append(0x61 + symbol - letters.lowerBound)
            case apostrophe: bytes.append(0x27)
            case punctuation(0x2D): bytes.append(0x2D)
            case punctuation(0x2F): bytes.append(0x2F)
            case digits: bytes.append(0x30 + symbol - digits.lowerBound)
            case jamo: appendThreeBytes(0x3131 + UInt32(symbol - jamo.lowerBound), to: &bytes)
            case initials where index < symbols.endIndex && vowels.contains(symbols[index]):
                var scalar = UInt32(symbol - initials.lowerBound) * 588
                scalar += 0xAC00 + UInt32(symbols[index] - vowels.lowerBound) * 28
                index += 1
                if index < symbols.endIndex, finals.contains(symbols[index]) {
                    scalar += UInt32(symbols[index] - finals.lowerBound) + 1
                    index += 1
                }
                appendThreeBytes(scalar, to: &bytes)
            default: break
            }
        }
    }

    private static func appendThreeBytes(_ scalar: UInt32, to bytes: inout [UInt8]) {
        bytes.append(UInt8(0xE0 | scalar >> 12))
        bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
        bytes.append(UInt8(0x80 | scalar & 0x3F))
    }
}
