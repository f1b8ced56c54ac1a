import QuartetCore

/// The terms found in a text, each with what it says once its surroundings are heard.
struct Evidence {
    struct Hit {
        let term: Int
        /// The whole word for a Latin beginning of one.
        let symbols: Range<Int>
        /// The index of the word it begins in, or of the word before it.
        let word: Int
        var feeling: Lexicon.Feeling
        var isNegated = false

        /// How much it says, whatever it says.
        var strength: Double {
            var sum = abs(feeling.polarity)
            for index in feeling.weights.indices { sum += feeling.weights[index] }
            return sum
        }
    }

    /// How many symbols may lie between a feeling and what negates it from behind: three syllables.
    private static let gapBehindMax = 8
    /// How many words an intensity reaches.
    private static let intensityWords = 2
    private static let contrastFactor = 0.6
    /// What is left of a feeling however often it is contradicted.
    private static let contrastFactorMin = 0.05
    /// A feeling denied says less than its opposite: "not bad" is not "great".
    private static let denialFactor = 0.6

    private struct Pending {
        var negationUntilWord = -1
        /// Korean 안 and 못 stand right before what they negate.
        var negationUntilSymbol = -1
        var intensity = 1.0
        var intensityUntilWord = -1
    }

    /// Feelings in the order of the text.
    private(set) var hits: [Hit] = []
    /// For each contrast, how many hits lie before it.
    private var contrasts: [Int] = []
    private var pending = Pending()

    mutating func collect(from text: FoldedText, by lexicon: Lexicon) {
        hits.removeAll(keepingCapacity: true)
        contrasts.removeAll(keepingCapacity: true)
        pending = Pending()
        let symbols = text.symbols
        var (position, word) = (0, 0)
        while position < symbols.count {
            let symbol = symbols[position]
            // Inside a syllable no term begins.
            if Symbol.vowels.lowerBound <= symbol, symbol <= Symbol.finals.upperBound {
                position += 1
                continue
            }
            while word < text.words.count, text.words[word].symbols.upperBound <= position { word += 1 }
            if let (term, end) = lexicon.longestTerm(at: position, in: symbols) {
                note(term, at: position..<end, word: word, in: text, by: lexicon)
                position = end
            } else {
                if symbol == Symbol.comma || symbol == Symbol.lineBreak || symbol == Symbol.fullStop { endClause() }
                position += 1
            }
            // A Latin word matches from its beginning or not at all.
            if position < symbols.count, Symbol.kind(symbols[position]) == .latin, word < text.words.count,
                text.words[word].symbols.lowerBound < position, position < text.words[word].symbols.upperBound
            {
                position = text.words[word].symbols.upperBound
            }
        }
        weighContrasts()
    }

    private mutating func note(_ index: Int, at range: Range<Int>, word: Int, in text: FoldedText, by lexicon: Lexicon)
    {
        switch lexicon.terms[index].effect {
        case .feeling(let feeling):
            var end = range.upperBound
            if word < text.words.count, text.words[word].kind == .latin, text.words[word].symbols.contains(end - 1) {
                end = text.words[word].symbols.upperBound
            }
            hear(feeling, of: index, at: range.lowerBound..<end, word: word)
        case .negateNext(let words):
            pending.negationUntilWord = word + words
            let isKorean = Symbol.kind(text.symbols[range.lowerBound]) == .hangul
            pending.negationUntilSymbol = isKorean ? range.upperBound + 1 : .max
        case .negatePrevious: negatePrevious(before: range.lowerBound, in: text)
        case .intensity(let factor):
            pending.intensity = factor
            pending.intensityUntilWord = word + Self.intensityWords
        case .contrast:
            contrasts.append(hits.count)
            endClause()
        case .none: break
        }
    }

    private mutating func hear(_ feeling: Lexicon.Feeling, of term: Int, at symbols: Range<Int>, word: Int) {
        var hit = Hit(term: term, symbols: symbols, word: word, feeling: feeling)
        if word <= pending.intensityUntilWord {
            hit.feeling.scale(by: pending.intensity)
            pending.intensityUntilWord = -1
        }
        if word <= pending.negationUntilWord, symbols.lowerBound <= pending.negationUntilSymbol {
            hit.deny(by: Self.denialFactor)
        }
        hits.append(hit)
    }

    private mutating func endClause() {
        pending = Pending()
    }

    /// Denies the feeling just before, and those listed with it: 재미도 감동도 없다 denies both.
    private mutating func negatePrevious(before start: Int, in text: FoldedText) {
        var start = start
        for index in hits.indices.reversed() {
            let hit = hits[index]
            guard start - hit.symbols.upperBound <= Self.gapBehindMax, start >= hit.symbols.upperBound,
                !Self.hasClauseEnd(text.symbols[hit.symbols.upperBound..<start])
            else { return }
            if hit.isNegated { return }
            hits[index].deny(by: Self.denialFactor)
            start = hit.symbols.lowerBound
            guard index > 0, Self.isListed(hits[index - 1], in: text) else { return }
        }
    }

    /// Whether the particle 도 follows.
    private static func isListed(_ hit: Hit, in text: FoldedText) -> Bool {
        let end = hit.symbols.upperBound
        return text.symbols[end...].starts(with: alsoParticle)
    }

    private static let alsoParticle: [UInt8] = [
        Symbol.initials.lowerBound + 3, Symbol.vowels.lowerBound + 8, Symbol.space,
    ]

    private static func hasClauseEnd(_ symbols: ArraySlice<UInt8>) -> Bool {
        symbols.contains { $0 == Symbol.lineBreak || $0 == Symbol.fullStop || $0 == Symbol.comma }
    }

    private mutating func weighContrasts() {
        var (factor, next) = (1.0, hits.count)
        for count in contrasts.reversed() {
            for index in count..<next { hits[index].feeling.scale(by: factor) }
            next = count
            factor = max(factor * Self.contrastFactor, Self.contrastFactorMin)
        }
        if factor < 1 { for index in 0..<next { hits[index].feeling.scale(by: factor) } }
    }
}

extension Lexicon.Feeling {
    mutating func scale(by factor: Double) {
        polarity *= factor
        for index in weights.indices { weights[index] *= factor }
    }
}

extension Evidence.Hit {
    /// Turns the feeling around: joy denied is disappointment, a bad feeling denied is mild joy.
    mutating func deny(by factor: Double) {
        isNegated = true
        var denied = Lexicon.Feeling()
        denied.polarity = -feeling.polarity * factor
        if feeling.polarity < 0 {
            var bad = 0.0
            for emotion in [Emotion.sadness, .anger, .fear, .disgust] { bad += feeling.weights[emotion.index] }
            denied.weights[Emotion.joy.index] = min(bad, 1) * factor
        } else {
            denied.weights[Emotion.sadness.index] = feeling.weights[Emotion.joy.index] * factor
        }
        feeling = denied
    }
}
