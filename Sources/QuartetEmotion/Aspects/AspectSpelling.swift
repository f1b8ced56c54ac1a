import QuartetCore

/// What an aspect shows of a text.
enum AspectSpelling {
    /// The text of these bytes, as many whole characters as there is room for.
    static func words(_ bytes: Range<Int>, _ utf8: Span<UInt8>) -> String {
        var end = min(bytes.upperBound, bytes.lowerBound + Aspect.textBytesMax)
        if end < bytes.upperBound {
            while end > bytes.lowerBound, utf8[end] & 0xC0 == 0x80 { end -= 1 }
        }
        return utf8.extracting(bytes.lowerBound..<end).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// The name of a thing without an entry, composed and in small letters.
    static func term(_ symbols: Range<Int>, _ text: FoldedText, _ utf8: Span<UInt8>) -> String {
        if text.hasAccent(in: symbols) || Symbol.kind(text.symbols[symbols.lowerBound]) == .otherLetter {
            return utf8.extracting(text.bytes(of: symbols)).withUnsafeBufferPointer { PlainLetters.spelled($0) }
        }
        var bytes: [UInt8] = []
        Symbol.appendUTF8(of: text.symbols[singular(symbols, text.symbols)], to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An English word without the ending of its plural, so that both are one thing.
    private static func singular(_ word: Range<Int>, _ symbols: [UInt8]) -> Range<Int> {
        /// The ASCII letter so many places before the end.
        func letter(_ place: Int) -> UInt8 {
            let symbol = symbols[word.upperBound - place]
            return Symbol.letters.contains(symbol) ? symbol - Symbol.letters.lowerBound + 0x61 : 0
        }
        guard word.count > 3, letter(1) == UInt8(ascii: "s") else { return word }
        switch letter(2) {
        // glass, bonus, basis
        case UInt8(ascii: "s"), UInt8(ascii: "u"), UInt8(ascii: "i"): return word
        // lens, but buttons
        case UInt8(ascii: "n") where letter(3) == UInt8(ascii: "e"): return word
        case UInt8(ascii: "e"):
            return switch letter(3) {
            // series
            case UInt8(ascii: "i"): word
            // glasses, boxes, brushes
            case UInt8(ascii: "s"), UInt8(ascii: "x"), UInt8(ascii: "h"): word.dropLast(2)
            default: word.dropLast()
            }
        default: return word.dropLast()
        }
    }
}
