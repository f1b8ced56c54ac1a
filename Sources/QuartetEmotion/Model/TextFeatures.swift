/// The features of a folded text: n-grams of syllables and letters, of the jamo inside Hangul, words and pairs of words,
/// and what the lexicon hears. Each is a hash and the symbol where it begins; none is stored, a walk visits them all.
struct TextFeatures {
    /// Raised whenever the same text would give other features: a model fits one version alone.
    static let version: UInt64 = 4
    /// As often as an n-gram counts a term of the lexicon.
    private static let termWeight = 4
    /// How many words behind "not" are denied, how often such a word counts by itself, and how often one behind "but".
    private static let deniedReach = 3
    private static let deniedWeight = 4
    private static let turnedWeight = 2
    /// Of a hundred buckets, those of English.
    private static let englishShare: UInt64 = 42
    private static let syllablesMax = 4
    private static let lettersMax = 5
    private static let jamoMin = 2
    private static let jamoMax = 5

    private static let unitSeed: UInt64 = 0x1234_5678_9ABC_DEF1
    private static let jamoSeed: UInt64 = 0xABCD_EF01_2345_6789
    private static let wordSeed: UInt64 = 0x5555_AAAA_1111_3333
    private static let termSeed: UInt64 = 0x7777_2222_DDDD_8888
    private static let deniedSeed: UInt64 = 0x5555_AAAA_1111_337E
    private static let contrastSeed: UInt64 = 0x5555_AAAA_3333_3333
    private static let concessionSeed: UInt64 = 0x5555_AAAA_5555_3333
    private static let valenceSeed: UInt64 = 0x3333_9999_BBBB_2222

    /// A syllable, or any other symbol.
    private struct Unit {
        let code: UInt32
        let position: Int32
        let kind: Symbol.Kind
    }

    /// A feature the lexicon gives.
    struct Mark {
        let hash: UInt64
        let position: Int32
    }

    private var units: [Unit] = []
    private(set) var language = ModelLanguage.korean

    /// Reads `symbols` in; the walk over them follows.
    mutating func prepare(_ symbols: Span<UInt8>) {
        units.removeAll(keepingCapacity: true)
        units.append(Unit(code: UInt32(Symbol.space), position: 0, kind: .gap))
        var (syllables, letters, index) = (0, 0, 0)
        while index < symbols.count {
            let (position, symbol) = (Int32(truncatingIfNeeded: index), symbols[index])
            var code = UInt32(symbol)
            index += 1
            if Symbol.initials.contains(symbol) {
                syllables += 1
                if index < symbols.count, Symbol.vowels.contains(symbols[index]) {
                    code |= UInt32(symbols[index]) << 8
                    index += 1
                    if index < symbols.count, Symbol.finals.contains(symbols[index]) {
                        code |= UInt32(symbols[index]) << 16
                        index += 1
                    }
                }
            } else if Symbol.letters.contains(symbol) {
                letters += 1
            }
            units.append(Unit(code: code, position: position, kind: Symbol.kind(symbol)))
        }
        let end = Int32(truncatingIfNeeded: symbols.count)
        units.append(Unit(code: UInt32(Symbol.space), position: end, kind: .gap))
        // A syllable says about as much as three letters.
        language = letters > 3 * syllables ? .english : .korean
    }

    /// A bound on how many features a walk visits.
    func countMax(_ symbols: Span<UInt8>, marks: Span<Mark>) -> Int {
        // A word has at least one unit, three features, and those of what turns it.
        units.count * (Self.lettersMax + 3 + Self.deniedWeight + Self.turnedWeight)
            + symbols.count * (Self.jamoMax - Self.jamoMin + 1) + marks.count * Self.termWeight
    }

    /// Visits every feature of the text that was prepared, in a fixed order.
    @inline(__always)
    func walk(_ symbols: Span<UInt8>, marks: Span<Mark>, _ visit: (_ hash: UInt64, _ position: Int32) -> Void) {
        walkUnits(visit)
        walkJamo(symbols, visit)
        walkWords(visit)
        for index in marks.indices {
            for _ in 0..<Self.termWeight { visit(marks[index].hash, marks[index].position) }
        }
    }

    @inline(__always)
    private func walkUnits(_ visit: (UInt64, Int32) -> Void) {
        units.withUnsafeBufferPointer { units in
            var start = 0
            // Most have all of their n-grams.
            while start &+ Self.lettersMax <= units.count {
                let (unit, isLong) = (units[start], units[start].kind != .hangul)
                var hash = Self.mix(Self.unitSeed, UInt64(unit.code))
                visit(hash, unit.position)
                hash = Self.mix(hash, UInt64(units[start &+ 1].code))
                visit(hash, unit.position)
                hash = Self.mix(hash, UInt64(units[start &+ 2].code))
                visit(hash, unit.position)
                hash = Self.mix(hash, UInt64(units[start &+ 3].code))
                visit(hash, unit.position)
                if isLong { visit(Self.mix(hash, UInt64(units[start &+ 4].code)), unit.position) }
                start &+= 1
            }
            while start < units.count {
                let unit = units[start]
                let end = min(start &+ (unit.kind == .hangul ? Self.syllablesMax : Self.lettersMax), units.count)
                var (hash, index) = (Self.unitSeed, start)
                while index < end {
                    hash = Self.mix(hash, UInt64(units[index].code))
                    visit(hash, unit.position)
                    index &+= 1
                }
                start &+= 1
            }
        }
    }

    @inline(__always)
    private func walkJamo(_ symbols: Span<UInt8>, _ visit: (UInt64, Int32) -> Void) {
        let (first, last) = (Symbol.initials.lowerBound, Symbol.finals.upperBound)
        symbols.withUnsafeBufferPointer { symbols in
            var start = 0
            while start < symbols.count {
                if symbols[start] >= first, symbols[start] <= last {
                    let end = min(start &+ Self.jamoMax, symbols.count)
                    var (hash, index) = (Self.mix(Self.jamoSeed, UInt64(symbols[start])), start &+ Self.jamoMin &- 1)
                    while index < end {
                        hash = Self.mix(hash, UInt64(symbols[index]))
                        visit(hash, Int32(truncatingIfNeeded: start))
                        index &+= 1
                    }
                }
                start &+= 1
            }
        }
    }

    private static func wordHash(_ word: String) -> UInt64 {
        word.utf8.reduce(wordSeed) { mix($0, UInt64(Symbol.letters.lowerBound + ($1 - 0x61))) }
    }

    private static let turningWords = TurningWords(hash: wordHash)
    private let turningWords = Self.turningWords

    /// What earlier words of an English text do to the next.
    private struct Hearing {
        /// How many words to come are denied.
        var denied = 0
        /// Of the rest of the clause or sentence.
        var clause = TurningWords.Turn.none

        /// Takes in what stands between words.
        @inline(__always)
        mutating func hear(gap code: UInt32) {
            guard clause != .none else { return }
            switch UInt8(truncatingIfNeeded: code) {
            case Symbol.fullStop, Symbol.punctuation(0x21), Symbol.punctuation(0x3F): clause = .none
            case Symbol.comma where clause == .concession: clause = .none
            default: break
            }
        }
    }

    /// Whether the word that ends before this unit is one like "isn't".
    @inline(__always)
    private func endsInDenial(before index: Int) -> Bool {
        units[index - 1].code == UInt32(Symbol.letters.lowerBound + 19)
            && units[index - 2].code == UInt32(Symbol.apostrophe)
    }

    @inline(__always)
    private func walkWords(_ visit: (UInt64, Int32) -> Void) {
        let units = units.span
        var (previous, index) = (Self.wordSeed, 0)
        var hearing = Hearing()
        while index < units.count {
            guard units[index].kind != .gap else {
                hearing.hear(gap: units[index].code)
                index += 1
                continue
            }
            let position = units[index].position
            var hash = Self.wordSeed
            // The last unit is a gap.
            while units[index].kind != .gap {
                hash = Self.mix(hash, UInt64(units[index].code))
                index += 1
            }
            visit(hash, position)
            visit(Self.mix(previous, hash), position)
            previous = hash
            guard language == .english else { continue }
            // A word of English says more than its letters; one of Korean has many forms.
            visit(hash, position)
            let turn = endsInDenial(before: index) ? .denial : turningWords.turn(of: hash)
            walkTurned(hash, turn, position, &hearing, visit)
        }
    }

    /// An English word by what stands before it: denied, behind "but", or behind "although".
    @inline(__always)
    private func walkTurned(
        _ hash: UInt64, _ turn: TurningWords.Turn, _ position: Int32, _ hearing: inout Hearing,
        _ visit: (UInt64, Int32) -> Void
    ) {
        @inline(__always)
        func add(_ seed: UInt64, times: Int) {
            for _ in 0..<times { visit(Self.mix(seed, hash), position) }
        }
        if hearing.clause != .none {
            add(hearing.clause == .contrast ? Self.contrastSeed : Self.concessionSeed, times: Self.turnedWeight)
        }
        if turn == .contrast || turn == .concession { hearing.clause = turn }
        if turn == .denial {
            hearing.denied = Self.deniedReach
        } else if hearing.denied > 0 {
            hearing.denied -= 1
            add(Self.deniedSeed, times: Self.deniedWeight)
        }
    }

    /// The features of what the lexicon heard: the term, whether it is denied, and what it speaks of.
    static func appendMarks(of hit: Evidence.Hit, to marks: inout [Mark]) {
        let position = Int32(truncatingIfNeeded: hit.symbols.lowerBound)
        let term = mix(mix(termSeed, UInt64(hit.term)), hit.isNegated ? 1 : 0)
        marks.append(Mark(hash: term, position: position))
        var strongest = 0
        for index in 1..<6 where hit.feeling.weights[index] > hit.feeling.weights[strongest] { strongest = index }
        if hit.feeling.weights[strongest] > 0 {
            marks.append(Mark(hash: mix(termSeed ^ 1, UInt64(strongest)), position: position))
        }
        if hit.feeling.polarity != 0 {
            marks.append(Mark(hash: mix(termSeed ^ 2, hit.feeling.polarity > 0 ? 1 : 0), position: position))
        }
    }

    /// The features of a word that the list of valences knows: how good it is in steps, which side it is on, and, where it
    /// is denied, the word.
    static func appendMarks(of hit: Valences.Hit, in text: FoldedText, to marks: inout [Mark]) {
        let position = Int32(truncatingIfNeeded: hit.position)
        let step = Int64(max(-6, min(6, hit.value * 1.5)).rounded(.toNearestOrEven))
        marks.append(Mark(hash: mix(valenceSeed, UInt64(bitPattern: step)), position: position))
        marks.append(Mark(hash: mix(valenceSeed ^ 1, hit.value > 0 ? 1 : 0), position: position))
        guard hit.isNegated else { return }
        var hash = valenceSeed ^ 2
        for index in text.words[hit.word].symbols { hash = mix(hash, UInt64(text.symbols[index])) }
        marks.append(Mark(hash: hash, position: position))
    }

    @inline(__always)
    private static func mix(_ hash: UInt64, _ value: UInt64) -> UInt64 {
        let product = (hash ^ value) &* 0xD6E8_FEB8_6659_FD93
        return product ^ (product >> 32)
    }

    /// The buckets that the text's language has of `count`: each has its own, so that the many texts of one do not wear out
    /// what the few of another teach.
    func buckets(of count: UInt32) -> Buckets {
        let english = Self.englishCount(of: count)
        return switch language {
        case .english: Buckets(first: 0, count: english)
        case .korean: Buckets(first: english, count: UInt64(count) - english)
        }
    }

    /// The buckets of a language among `count`.
    static func buckets(of language: ModelLanguage, count: UInt32) -> Range<Int> {
        let english = Int(englishCount(of: count))
        return language == .english ? 0..<english : english..<Int(count)
    }

    private static func englishCount(of count: UInt32) -> UInt64 { UInt64(count) * englishShare / 100 }

    /// Where the features of a text fall.
    struct Buckets {
        let first: UInt64
        let count: UInt64

        @inline(__always)
        func bucket(of hash: UInt64) -> Int {
            let spread = (hash &* 0x9E37_79B9_7F4A_7C15) >> 32
            return Int(truncatingIfNeeded: first &+ (spread &* count) >> 32)
        }
    }

    /// What a model was trained with must be what it reads with: the version of the features and the lexicons' terms.
    static let fingerprint: UInt64 = {
        var hash = version
        for text in [KoreanTerms.text, EnglishTerms.text, MarkTerms.text, ValenceLexicon.bytes, GoodsValences.text] {
            for byte in text.utf8 { hash = mix(hash, UInt64(byte) &+ 1) }
        }
        return hash
    }()
}

/// The two languages of a model, told apart by script; each has a calibration of its own.
package enum ModelLanguage: Int, CaseIterable, Sendable {
    case korean, english
}
