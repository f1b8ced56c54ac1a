/// Cuts a text where one judgement ends and the next begins: at stops and commas, behind Korean connective endings, and
/// before words such as but.
struct ClauseSplitter {
    /// The symbol behind each clause, ascending; the last is the end of the text.
    private(set) var ends: [Int] = []

    /// `roles` are those of the text's words; `judgements` are in the order of the text.
    mutating func split(_ text: FoldedText, _ roles: [AspectWords.Word], _ judgements: [AspectFinder.Judgement]) {
        ends.removeAll(keepingCapacity: true)
        var gap = 0
        for (word, role) in zip(text.words, roles) {
            addStops(gap..<word.symbols.lowerBound, in: text.symbols)
            gap = word.symbols.upperBound
            if role.role == .contrast {
                add(word.symbols.lowerBound)
            } else if word.kind == .hangul, role.role != .plainNoun, Self.endsClause(word.symbols, in: text.symbols) {
                add(gap)
            }
        }
        addStops(gap..<text.symbols.count, in: text.symbols)
        if ends.last ?? -1 < text.symbols.count { ends.append(text.symbols.count) }
        splitAtAdditions(text, roles, judgements)
    }

    /// Before "and the" or "and it", where there is a judgement on each side.
    private mutating func splitAtAdditions(
        _ text: FoldedText, _ roles: [AspectWords.Word], _ judgements: [AspectFinder.Judgement]
    ) {
        guard judgements.count > 1 else { return }
        for index in roles.indices.dropLast() where roles[index].role == .addition {
            let next = roles[index + 1].role
            guard next == .determiner || next == .general else { continue }
            let place = text.words[index].symbols.lowerBound
            guard let clause = ends.firstIndex(where: { $0 > place }) else { return }
            let start = clause == 0 ? 0 : ends[clause - 1]
            let judged = judgements.lazy.map(\.symbols.lowerBound)
            guard judged.contains(where: { start <= $0 && $0 < place }),
                judged.contains(where: { place < $0 && $0 < ends[clause] })
            else { continue }
            ends.insert(place, at: clause)
        }
    }

    private mutating func addStops(_ gap: Range<Int>, in symbols: [UInt8]) {
        for position in gap where Self.isStop(symbols[position]) { add(position) }
    }

    private static func isStop(_ symbol: UInt8) -> Bool {
        switch symbol {
        case Symbol.comma, Symbol.lineBreak, Symbol.fullStop, Symbol.punctuation(0x21), Symbol.punctuation(0x3F),
            Symbol.punctuation(0x3B):
            true
        default: false
        }
    }

    private mutating func add(_ end: Int) {
        if ends.last ?? 0 < end { ends.append(end) }
    }

    /// Whether a word ends like a verb that goes on to the next clause; a bare syllable is none.
    private static func endsClause(_ word: Range<Int>, in symbols: [UInt8]) -> Bool {
        let endings = Self.endings
        var (node, index) = (SymbolTrie.root, word.upperBound - 1)
        while index >= word.lowerBound + 2, let next = endings.step(node, symbols[index]) {
            node = next
            if endings.value(at: node) != nil { return true }
            index -= 1
        }
        return false
    }

    /// Last symbol first.
    private static let endings: SymbolTrie = {
        var folded = FoldedText()
        let keys = "지만 는데 은데 으나 고 며 ㄴ데 데요".split(separator: " ").map { word -> [UInt8] in
            folded.fold(String(word).utf8.span)
            var key = folded.symbols
            // ㄴ that stands alone is the final of the syllable before.
            if let first = key.first, Symbol.kind(first) == .jamo { key[0] = Symbol.finals.lowerBound + 3 }
            return key.reversed()
        }
        return SymbolTrie(keys.map { ($0, 0) })
    }()
}
