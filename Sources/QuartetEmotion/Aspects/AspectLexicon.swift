import QuartetCore

/// The things customers speak of, under all their names, and the words that imply one.
struct AspectLexicon: Sendable {
    struct Entry: Sendable {
        let term: String
        let category: AspectCategory
        /// For a word that judges the thing it implies: 1 or -1. It judges what is named beside it where ``term`` is empty.
        let implied: Double?
        let mustEndWord: Bool
        /// Of ``term`` less is better.
        let isNuisance: Bool
    }

    static let standard = AspectLexicon(
        terms: AspectTerms.text,
        implied: [AspectTerms.implied, AspectTerms.plain, EnglishAspectTerms.implied, EnglishAspectTerms.plain]
            .joined(separator: "\n"))

    let entries: [Entry]
    /// Of each entry, whether it must end a word (1) and implies what it judges (2): to look at an entry is to count its
    /// name's owners.
    private let bounds: [UInt8]
    private let trie: SymbolTrie

    /// Lines of `[category]` and `name: word word`, or names alone; those of `implied` begin with `[category +]` or `[category -]`. `_` is a
    /// blank, `$` behind a word asks that a word ends there; Latin words are whole words.
    init(terms: String, implied: String) {
        var builder = Builder()
        var category = AspectCategory.other
        for line in terms.split(separator: "\n") {
            if line.hasPrefix("[") {
                category = AspectCategory(rawValue: String(line.dropFirst().dropLast())) ?? .other
            } else {
                builder.add(line, category, implied: nil)
            }
        }
        for line in implied.split(separator: "\n") {
            guard let end = line.firstIndex(of: "]") else { continue }
            let heading = line[line.index(after: line.startIndex)..<end].split(separator: " ")
            let category = AspectCategory(rawValue: String(heading.first ?? "")) ?? .other
            builder.add(line[line.index(after: end)...], category, implied: heading.last == "+" ? 1 : -1)
        }
        entries = builder.entries
        bounds = entries.map { ($0.mustEndWord ? 1 : 0) | ($0.implied == nil ? 0 : 2) }
        trie = SymbolTrie(builder.keys.map { ($0.key, $0.value) })
    }

    private struct Builder {
        var entries: [Entry] = []
        var keys: [[UInt8]: Int] = [:]
        private var folded = FoldedText()

        mutating func add(_ line: Substring, _ category: AspectCategory, implied: Double?) {
            guard let colon = line.firstIndex(of: ":") else {
                for word in line.split(separator: " ") { add("\(word): \(word)", category, implied: implied) }
                return
            }
            let term = line[..<colon].trimmingPrefix(while: \.isWhitespace)
            for word in line[line.index(after: colon)...].split(separator: " ") {
                let spelling = word.prefix { $0 != ">" }
                let endsWord = spelling.hasSuffix("$")
                folded.fold((endsWord ? spelling.dropLast() : spelling).replacing("_", with: " ").utf8.span)
                var key = folded.symbols
                guard let last = key.last else { continue }
                let isLatin = Symbol.kind(last) == .latin
                if key.count > 1, let initial = Symbol.initial(ofJamo: last) { key[key.count - 1] = initial }
                let entry = Entry(
                    term: String(term), category: category, implied: implied, mustEndWord: endsWord || isLatin,
                    isNuisance: AspectWords.nuisances.contains(String(term)))
                for key in [key, key.filter { isLatin || $0 != Symbol.space }] where keys[key] == nil {
                    keys[key] = entries.count
                }
                entries.append(entry)
            }
        }
    }

    /// The name of the thing that exactly this word calls, nil for none.
    func name(of word: String) -> String? {
        var folded = FoldedText()
        folded.fold(word.utf8.span)
        guard let (index, end) = longest(at: 0, in: folded.symbols), end == folded.symbols.count else { return nil }
        return entries[index].term
    }

    func implies(_ index: Int) -> Bool { bounds[index] & 2 != 0 }

    /// The index of the longest entry that begins at `start`, where a word begins.
    func longest(at start: Int, in symbols: [UInt8]) -> (index: Int, end: Int)? {
        var (node, position) = (SymbolTrie.root, start)
        var best: (index: Int, end: Int)?
        while position < symbols.count, let next = trie.step(node, symbols[position]) {
            node = next
            position += 1
            guard let index = trie.value(at: node) else { continue }
            let bounds = bounds[index]
            let kind = Symbol.kind(symbols[position - 1])
            if bounds & 1 != 0, position < symbols.count, Symbol.kind(symbols[position]) == kind { continue }
            // A syllable is matched whole, or up to its initial where the entry says so.
            if kind == .hangul, position < symbols.count, Symbol.finals.contains(symbols[position]),
                Symbol.vowels.contains(symbols[position - 1])
            {
                if bounds & 2 == 0 { continue }
            }
            best = (index, position)
        }
        return best
    }
}
