/// Cuts a text where one judgement ends and the next begins: at stops and commas, behind Korean connective endings, and
/// before words such as but.
struct ClauseSplitter {
    /// The symbol behind each clause, ascending; the last is the end of the text.
    private(set) var ends: [Int] = []

    mutating func split(_ text: FoldedText) {
        ends.removeAll(keepingCapacity: true)
        var word = 0
        let symbols = text.symbols
        for position in symbols.indices {
            while word < text.words.count, text.words[word].symbols.upperBound <= position { word += 1 }
            switch symbols[position] {
            case Symbol.comma, Symbol.lineBreak, Symbol.fullStop, Symbol.punctuation(0x21), Symbol.punctuation(0x3F),
                Symbol.punctuation(0x3B):
                add(position)
            default: break
            }
            guard word < text.words.count, text.words[word].symbols.upperBound == position + 1 else { continue }
            let range = text.words[word].symbols
            if Self.endsClause(symbols[range]) { add(position + 1) }
            if Self.words.value(of: symbols[range]) != nil { add(range.lowerBound) }
        }
        if ends.last ?? -1 < symbols.count { ends.append(symbols.count) }
    }

    private mutating func add(_ end: Int) {
        if ends.last ?? 0 < end { ends.append(end) }
    }

    /// Whether a word ends like a verb that goes on to the next clause; a bare syllable is none.
    private static func endsClause(_ word: ArraySlice<UInt8>) -> Bool {
        guard Symbol.kind(word[word.startIndex]) == .hangul, nouns.value(of: word) == nil else { return false }
        var node = SymbolTrie.root
        for symbol in word.dropFirst(2).reversed() {
            guard let next = endings.step(node, symbol) else { return false }
            node = next
            if endings.value(at: node) != nil { return true }
        }
        return false
    }

    private static let endings = trie("지만 는데 은데 으나 고 며 ㄴ데 데요", isReversed: true)
    private static let words = trie(
        "but although though however while yet except whereas unfortunately 하지만 근데 그런데 그러나 다만 대신 반면", isReversed: false)
    private static let nouns = trie("최고 창고 광고 중고 재고 참고 경고 사고", isReversed: false)

    private static func trie(_ list: String, isReversed: Bool) -> SymbolTrie {
        var folded = FoldedText()
        var keys: Set<[UInt8]> = []
        for word in list.split(separator: " ") {
            folded.fold(String(word).utf8.span)
            var key = folded.symbols
            // ㄴ that stands alone is the final of the syllable before.
            if let first = key.first, Symbol.kind(first) == .jamo { key[0] = Symbol.finals.lowerBound + 3 }
            keys.insert(isReversed ? key.reversed() : key)
        }
        return SymbolTrie(keys.map { ($0, 0) })
    }
}
