/// A text as symbols, with where each came from, its words and its sentences.
///
/// Folding lowers Latin letters and takes their accents off, composes and decomposes nothing else but Hangul, shrinks runs of one letter to two ("soooo"
/// is "soo", ㅋㅋㅋㅋ is ㅋㅋ) and runs of blanks to one. One pass over the bytes; the buffers are kept for the next text.
struct FoldedText {
    /// A run of symbols of one kind, without gaps.
    struct Word {
        let symbols: Range<Int>
        let kind: Symbol.Kind
    }

    private(set) var symbols: [UInt8] = []
    private(set) var words: [Word] = []
    /// The symbol index behind the last symbol of each sentence, ascending; the last is `symbols.count`.
    private(set) var sentenceEnds: [Int] = []
    /// Whether there is a small letter of ASCII: capitals say something only beside small ones.
    private(set) var hasLowercase = false
    private(set) var exclamationCount = 0
    private(set) var hasQuestion = false
    /// The symbols of letters that carry an accent, in order.
    private(set) var accents: [Int] = []
    /// The byte offset each symbol came from, and at the end the length of the text.
    private var origins: [Int] = []

    private var wordStart = 0
    private var wordKind = Symbol.Kind.gap
    private var sentenceIsEnding = false

    /// The bytes of the text that `range` of the symbols came from.
    func bytes(of range: Range<Int>) -> Range<Int> {
        origins[range.lowerBound]..<max(origins[range.lowerBound], origins[range.upperBound])
    }

    /// The symbols of the sentence with this index.
    func sentence(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : sentenceEnds[index - 1])..<sentenceEnds[index]
    }

    /// Takes in a new text. Bytes that are no UTF-8 count as one unknown symbol each.
    mutating func fold(_ utf8: Span<UInt8>) {
        symbols.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        sentenceEnds.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
        accents.removeAll(keepingCapacity: true)
        (wordStart, wordKind, sentenceIsEnding) = (0, .gap, false)
        (hasLowercase, exclamationCount, hasQuestion) = (false, 0, false)
        var offset = 0
        while offset < utf8.count {
            let byte = utf8[offset]
            if byte >= 0x61, byte <= 0x7A, wordKind == .latin, !sentenceIsEnding {
                foldLetter(byte, at: offset)
                offset += 1
            } else if byte < 0x80 {
                foldASCII(byte, at: offset, in: utf8)
                offset += 1
            } else if let syllable = UTF8Decoder.syllable(at: offset, in: utf8) {
                foldSyllable(syllable, at: offset)
                offset += 3
            } else {
                let (scalar, length) = UTF8Decoder.scalar(at: offset, in: utf8)
                foldScalar(scalar, at: offset, in: utf8)
                offset += length
            }
        }
        endWord()
        sentenceEnds.append(symbols.count)
        origins.append(utf8.count)
    }

    /// What `emit` would do with a small letter inside a word: most of an English text is this.
    @inline(__always)
    private mutating func foldLetter(_ byte: UInt8, at offset: Int) {
        hasLowercase = true
        let (symbol, count) = (Symbol.letters.lowerBound &+ (byte &- 0x61), symbols.count)
        if count >= 2, symbols[count &- 1] == symbol, symbols[count &- 2] == symbol { return }
        symbols.append(symbol)
        origins.append(offset)
    }

    private mutating func foldASCII(_ byte: UInt8, at offset: Int, in utf8: Span<UInt8>) {
        switch byte {
        case 0x61...0x7A:
            hasLowercase = true
            emit(Symbol.letters.lowerBound + byte - 0x61, .latin, at: offset)
        case 0x41...0x5A: emit(Symbol.letters.lowerBound + byte - 0x41, .latin, at: offset)
        case 0x30...0x39: emit(Symbol.digits.lowerBound + byte - 0x30, .latin, at: offset)
        case 0x20, 0x09: emitGap(Symbol.space, at: offset)
        case 0x27: foldApostrophe(at: offset, length: 1, in: utf8)
        case 0x2E, 0x5F: foldFullStop(byte, at: offset, in: utf8)
        case 0x21, 0x3F:
            if byte == 0x21 { exclamationCount += 1 } else { hasQuestion = true }
            emit(Symbol.punctuation(byte), .gap, at: offset)
            sentenceIsEnding = true
        case 0x22...0x7E: emit(Symbol.punctuation(byte), .gap, at: offset)
        default:  // line ends and control characters: no excerpt runs across them
            endLine(at: offset)
        }
    }

    /// ㅠ.ㅠ and ㅠ_ㅠ are one face, and T_T is T.T; 4.5 is one number; elsewhere a full stop ends a sentence.
    private mutating func foldFullStop(_ byte: UInt8, at offset: Int, in utf8: Span<UInt8>) {
        let next: UInt8 = offset + 1 < utf8.count ? utf8[offset + 1] : 0
        if wordKind == .jamo, next == 0xE3 { return }
        emit(Symbol.fullStop, .gap, at: offset)
        if byte == 0x2E, !(0x30...0x39).contains(next) { sentenceIsEnding = true }
    }

    private mutating func foldApostrophe(at offset: Int, length: Int, in utf8: Span<UInt8>) {
        let next: UInt8 = offset + length < utf8.count ? utf8[offset + length] | 0x20 : 0
        if wordKind == .latin, (0x61...0x7A).contains(next) {
            emit(Symbol.apostrophe, .latin, at: offset)
        } else {
            emit(Symbol.punctuation(0x27), .gap, at: offset)
        }
    }

    /// What `emit` would do with each of its letters, at once: most of a Korean text is this.
    private mutating func foldSyllable(_ index: UInt32, at offset: Int) {
        if wordKind != .hangul { endWord(next: .hangul) }
        if sentenceIsEnding {
            sentenceEnds.append(symbols.count)
            sentenceIsEnding = false
        }
        let (initial, rest) = index.quotientAndRemainder(dividingBy: 588)
        let (vowel, final) = rest.quotientAndRemainder(dividingBy: 28)
        symbols.append(Symbol.initials.lowerBound &+ UInt8(truncatingIfNeeded: initial))
        symbols.append(Symbol.vowels.lowerBound &+ UInt8(truncatingIfNeeded: vowel))
        origins.append(offset)
        origins.append(offset)
        guard final != 0 else { return }
        symbols.append(Symbol.finals.lowerBound &+ UInt8(truncatingIfNeeded: final) &- 1)
        origins.append(offset)
    }

    private mutating func foldScalar(_ scalar: UInt32, at offset: Int, in utf8: Span<UInt8>) {
        switch scalar {
        case 0x3131...0x3163: emit(Symbol.jamo.lowerBound + UInt8(scalar - 0x3131), .jamo, at: offset)
        case 0x1100...0x1112: emit(Symbol.initials.lowerBound + UInt8(scalar - 0x1100), .hangul, at: offset)
        case 0x1161...0x1175: emit(Symbol.vowels.lowerBound + UInt8(scalar - 0x1161), .hangul, at: offset)
        case 0x11A8...0x11C2: emit(Symbol.finals.lowerBound + UInt8(scalar - 0x11A8), .hangul, at: offset)
        case 0x2018, 0x2019, 0x02BC: foldApostrophe(at: offset, length: scalar == 0x02BC ? 2 : 3, in: utf8)
        case 0xFF01...0xFF5E: foldASCII(UInt8(scalar - 0xFEE0), at: offset, in: utf8)
        case 0x2026, 0x3002:
            emit(Symbol.fullStop, .gap, at: offset)
            sentenceIsEnding = true
        case 0x00A0, 0x2000...0x200B, 0x3000, 0x3164: emitGap(Symbol.space, at: offset)
        case 0x0080...0x009F, 0x2028, 0x2029: endLine(at: offset)
        case 0x00C0...0x024F, 0x1E00...0x1EFF: foldAccented(scalar, at: offset)
        case 0x0300...0x036F: if wordKind == .latin { noteAccent() }
        // Joiners, variation selectors and skin tones only dress the character before them.
        case 0x200C...0x200F, 0xFE00...0xFE0F, 0x1F3FB...0x1F3FF, 0xFEFF: break
        default:
            if let group = Pictograph.group(of: scalar) {
                emit(group.symbol, .gap, at: offset)
            } else if UTF8Decoder.isLetter(scalar) {
                emit(Symbol.otherLetter, .otherLetter, at: offset)
            } else {
                emit(Symbol.other, .gap, at: offset)
            }
        }
    }

    /// A Latin letter beyond ASCII is the plain one with an accent, composed or not.
    private mutating func foldAccented(_ scalar: UInt32, at offset: Int) {
        let letter = PlainLetters.table[Int(scalar < 0x0300 ? scalar : scalar - 0x1E00 + 0x0300)]
        if letter != 0 {
            emit(Symbol.letters.lowerBound + letter - 0x61, .latin, at: offset)
            noteAccent()
        } else if UTF8Decoder.isLetter(scalar) {
            emit(Symbol.otherLetter, .otherLetter, at: offset)
        } else {
            emit(Symbol.other, .gap, at: offset)
        }
    }

    private mutating func noteAccent() {
        if let last = accents.last, last >= symbols.count - 1 { return }
        accents.append(symbols.count - 1)
    }

    /// Whether a letter among these symbols carries an accent.
    func hasAccent(in range: Range<Int>) -> Bool {
        !accents.isEmpty && accents.contains { range.contains($0) }
    }

    private mutating func emitGap(_ symbol: UInt8, at offset: Int) {
        if wordKind != .gap { endWord() }
        if symbols.last ?? Symbol.space == symbol { return }
        symbols.append(symbol)
        origins.append(offset)
    }

    private mutating func endLine(at offset: Int) {
        emitGap(Symbol.lineBreak, at: offset)
        if sentenceEnds.last ?? 0 < symbols.count { sentenceEnds.append(symbols.count) }
        sentenceIsEnding = false
    }

    private mutating func emit(_ symbol: UInt8, _ kind: Symbol.Kind, at offset: Int) {
        if kind != wordKind { endWord(next: kind) }
        if sentenceIsEnding, kind != .jamo, !belongsToEnd(symbol) {
            sentenceEnds.append(symbols.count)
            sentenceIsEnding = false
        }
        let count = symbols.count
        // Other letters are kept as many as they are: their bytes are cut by symbol.
        if kind != .hangul, kind != .otherLetter, count >= 2, symbols[count - 1] == symbol,
            symbols[count - 2] == symbol,
            !Symbol.digits.contains(symbol)
        {
            return
        }
        symbols.append(symbol)
        origins.append(offset)
    }

    /// Repeated stops, closing marks and faces still belong to the sentence they follow.
    private func belongsToEnd(_ symbol: UInt8) -> Bool {
        switch symbol {
        case Symbol.punctuation(0x21), Symbol.punctuation(0x3F), Symbol.punctuation(0x29), Symbol.punctuation(0x22),
            Symbol.punctuation(0x7E), Symbol.punctuation(0x5E), Symbol.fullStop, Symbol.pictographs:
            true
        default: false
        }
    }

    private mutating func endWord(next: Symbol.Kind = .gap) {
        if wordKind != .gap { words.append(Word(symbols: wordStart..<symbols.count, kind: wordKind)) }
        (wordStart, wordKind) = (symbols.count, next)
    }
}

/// Lenient decoding: whatever the bytes are, every step moves on by at least one.
enum UTF8Decoder {
    static func scalar(at offset: Int, in utf8: Span<UInt8>) -> (scalar: UInt32, length: Int) {
        let lead = utf8[offset]
        let length = lead >= 0xF0 && lead < 0xF8 ? 4 : lead >= 0xE0 ? 3 : 2
        guard lead >= 0xC2, lead < 0xF8, offset + length <= utf8.count else { return (0xFFFD, 1) }
        var scalar = UInt32(lead) & (0xFF >> UInt32(length + 1))
        for index in offset + 1..<offset + length {
            guard utf8[index] & 0xC0 == 0x80 else { return (0xFFFD, 1) }
            scalar = scalar << 6 | UInt32(utf8[index] & 0x3F)
        }
        return (scalar, length)
    }

    /// The place of the Hangul syllable that begins here among all of them, nil where another scalar does.
    @inline(__always)
    static func syllable(at offset: Int, in utf8: Span<UInt8>) -> UInt32? {
        let lead = utf8[offset]
        guard lead >= 0xEA, lead <= 0xED, offset + 2 < utf8.count else { return nil }
        let (second, third) = (utf8[offset + 1], utf8[offset + 2])
        guard second & 0xC0 == 0x80, third & 0xC0 == 0x80 else { return nil }
        let scalar = UInt32(lead & 0x0F) << 12 | UInt32(second & 0x3F) << 6 | UInt32(third & 0x3F)
        return (0xAC00...0xD7A3).contains(scalar) ? scalar - 0xAC00 : nil
    }

    /// Whether a scalar beyond ASCII and Hangul writes words.
    static func isLetter(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xFFFD: false
        case 0x4E00...0x9FFF, 0x3040...0x30FF: true
        default: Unicode.Scalar(scalar)?.properties.isAlphabetic ?? false
        }
    }
}
