/// Tells the words that say what a text is about from those that only hold it together.
struct ContentWords: Sendable {
    private enum Suffix: Int {
        case particle, verbEnding
    }

    private static let syllablesMax = 8
    private static let lettersMin = 3
    /// Two syllables that end so are a verb form or the object of one, whatever the first is.
    private let shortEndings = Self.trie("요 을 를 은 는 던 져 려 줘 봐 네 써 러")
    private let stopWords: SymbolTrie
    private let wholeNouns: SymbolTrie
    private let shortNouns: SymbolTrie
    /// Suffixes, last symbol first.
    private let suffixes: SymbolTrie

    static let standard = ContentWords()

    private init() {
        stopWords = Self.trie(WordLists.koreanStopWords + " " + WordLists.englishStopWords)
        wholeNouns = Self.trie(WordLists.koreanWholeNouns)
        shortNouns = Self.trie(WordLists.koreanShortNouns)
        var pairs: [[UInt8]: Suffix] = [:]
        for key in Self.keys(WordLists.koreanVerbEndings) { pairs[key.reversed()] = .verbEnding }
        for key in Self.keys(WordLists.koreanParticles) { pairs[key.reversed()] = .particle }
        suffixes = SymbolTrie(pairs.map { ($0.key, $0.value.rawValue) })
    }

    private static func trie(_ list: String) -> SymbolTrie {
        SymbolTrie(keys(list).map { ($0, 0) })
    }

    private static func keys(_ list: String) -> Set<[UInt8]> {
        var folded = FoldedText()
        return Set(
            list.split(whereSeparator: \.isWhitespace).map { word in
                folded.fold(String(word).utf8.span)
                return folded.symbols
            })
    }

    /// What remains of a word once its particle is cut, nil where it is a verb form, a stop word or no word at all.
    func content(of word: FoldedText.Word, in text: FoldedText) -> Range<Int>? {
        switch word.kind {
        case .gap, .jamo: nil
        case .otherLetter: word.symbols.count >= 2 ? word.symbols : nil
        case .latin: latinContent(of: word.symbols, in: text.symbols)
        case .hangul: hangulContent(of: word.symbols, in: text.symbols)
        }
    }

    private func latinContent(of word: Range<Int>, in symbols: [UInt8]) -> Range<Int>? {
        guard stopWords.value(of: symbols[word]) == nil else { return nil }
        var word = word
        // "shop's" is about the shop.
        if word.count > 3, symbols[word.upperBound - 2] == Symbol.apostrophe { word = word.dropLast(2) }
        let letters = word.count { Symbol.letters.contains(symbols[$0]) }
        guard letters >= Self.lettersMin, stopWords.value(of: symbols[word]) == nil else { return nil }
        return word
    }

    private func hangulContent(of word: Range<Int>, in symbols: [UInt8]) -> Range<Int>? {
        guard stopWords.value(of: symbols[word]) == nil, !isCounter(word, in: symbols) else { return nil }
        var stem = word
        // Twice, because particles stack up: 매장에서는.
        for _ in 0..<2 where wholeNouns.value(of: symbols[stem]) == nil {
            guard let (suffix, start) = longestSuffix(of: stem, in: symbols) else { break }
            if suffix == .verbEnding { return nil }
            stem = stem.lowerBound..<start
        }
        var (syllables, lastSyllable) = (0, stem.lowerBound)
        for index in stem {
            if Symbol.initials.contains(symbols[index]) { (syllables, lastSyllable) = (syllables + 1, index) }
            if Self.isVerbal(final: symbols[index]) { return nil }
        }
        if syllables == 2, wholeNouns.value(of: symbols[stem]) == nil {
            let (first, last) = (stem.lowerBound..<lastSyllable, lastSyllable..<stem.upperBound)
            if shortNouns.value(of: symbols[first]) != nil, isParticle(last, in: symbols) { return first }
            if shortEndings.value(of: symbols[last]) != nil { return nil }
        }
        guard stopWords.value(of: symbols[stem]) == nil else { return nil }
        let isShortNoun = syllables == 1 && shortNouns.value(of: symbols[stem]) != nil
        return isShortNoun || (2...Self.syllablesMax).contains(syllables) ? stem : nil
    }

    /// What is glued to a number or to Latin letters counts it or is its particle: 3일만에, USB로도.
    private func isCounter(_ word: Range<Int>, in symbols: [UInt8]) -> Bool {
        guard word.lowerBound > 0 else { return false }
        let before = symbols[word.lowerBound - 1]
        return Symbol.digits.contains(before) || Symbol.letters.contains(before) && word.count <= 6
    }

    /// ㅆ, ㅄ and ㄶ under a syllable are nearly always a past tense, 없- or 않-.
    private static func isVerbal(final symbol: UInt8) -> Bool {
        guard Symbol.finals.contains(symbol) else { return false }
        let index = symbol - Symbol.finals.lowerBound + 1
        return index == 20 || index == 18 || index == 6
    }

    private func isParticle(_ range: Range<Int>, in symbols: [UInt8]) -> Bool {
        var node = SymbolTrie.root
        for index in range.reversed() {
            guard let next = suffixes.step(node, symbols[index]) else { return false }
            node = next
        }
        return suffixes.value(at: node) == Suffix.particle.rawValue
    }

    /// The longest suffix that leaves at least two syllables.
    private func longestSuffix(of word: Range<Int>, in symbols: [UInt8]) -> (suffix: Suffix, start: Int)? {
        var (node, best) = (SymbolTrie.root, Optional<(suffix: Suffix, start: Int)>.none)
        // Two syllables have at least four symbols.
        for index in word.reversed() where index >= word.lowerBound + 4 {
            guard let next = suffixes.step(node, symbols[index]) else { break }
            node = next
            if let value = suffixes.value(at: node), let suffix = Suffix(rawValue: value),
                Symbol.initials.contains(symbols[index])
            {
                best = (suffix, index)
            }
        }
        return best
    }
}
