/// Terms and what they do to a reading, in a trie over folded text.
struct Lexicon: Sendable {
    struct Feeling: Sendable {
        /// Weights of the six emotions, in the order of `Emotion.allCases`.
        var weights: InlineArray<6, Double> = InlineArray(repeating: 0)
        /// -1...1.
        var polarity = 0.0
    }

    enum Effect: Sendable {
        case feeling(Feeling)
        /// Turns the feelings within the next words around.
        case negateNext(words: Int)
        /// Turns the feeling just before around.
        case negatePrevious
        /// Multiplies the next feeling.
        case intensity(Double)
        /// What came before counts less.
        case contrast
        /// Matches only so that no shorter term does.
        case none
    }

    struct Term: Sendable {
        let effect: Effect
        /// How the term is shown as a keyword: nil for as the text has it, empty for never.
        let label: String?
        let mustBeginWord: Bool
        let mustEndWord: Bool
    }

    let terms: [Term]
    /// Of each term, whether it must begin a word (1) and end one (2), and is never shown (4): to look at a term is to count
    /// its label's owners.
    private let bounds: [UInt8]
    private let trie: SymbolTrie

    /// Every term that ships, Korean, English and the marks of both.
    static let standard: Lexicon = {
        do {
            return try Lexicon(texts: [KoreanTerms.text, EnglishTerms.text, MarkTerms.text])
        } catch {
            fatalError("\(error)")
        }
    }()

    /// Reads texts of the form that ``LexiconParser`` describes.
    init(texts: [String]) throws(LexiconFormatError) {
        var parser = LexiconParser()
        for text in texts { try parser.parse(text) }
        terms = parser.terms
        bounds = terms.map {
            ($0.mustBeginWord ? 1 : 0) | ($0.mustEndWord ? 2 : 0) | ($0.label == "" ? 4 : 0)
        }
        trie = SymbolTrie(parser.keys.map { ($0.key, $0.value) })
    }

    /// Whether the term is never shown as a keyword.
    func isHidden(_ term: Int) -> Bool { bounds[term] & 4 != 0 }

    /// The longest term that begins at `start`, its index in ``terms`` and the symbol behind it.
    func longestTerm(at start: Int, in symbols: [UInt8]) -> (index: Int, end: Int)? {
        var (node, position) = (SymbolTrie.root, start)
        var best: (index: Int, end: Int)?
        let kindBefore = start == 0 ? Symbol.Kind.gap : Symbol.kind(symbols[start - 1])
        let beginsWord = kindBefore != Symbol.kind(symbols[start])
        while position < symbols.count, let next = trie.step(node, symbols[position]) {
            node = next
            position += 1
            guard let index = trie.value(at: node) else { continue }
            let bounds = bounds[index]
            if bounds & 1 != 0, !beginsWord { continue }
            if bounds & 2 != 0, !Self.endsWord(position, in: symbols) { continue }
            best = (index, position)
        }
        return best
    }

    private static func endsWord(_ position: Int, in symbols: [UInt8]) -> Bool {
        position == symbols.count || Symbol.kind(symbols[position]) != Symbol.kind(symbols[position - 1])
    }
}
