/// Collects the keywords of one text: telling words by weight, then things by how often they are named.
///
/// Both pools are small and bounded, so that a long text costs no more than a pass over it.
struct KeywordList {
    static let countMax = 16
    static let bytesMax = 64
    /// Telling words leave room for things.
    private static let tellingMax = 8
    private static let poolMax = 40

    private struct Candidate {
        let key: Int
        let symbols: Range<Int>
        /// Its index in the lexicon, nil for a thing: candidates own nothing.
        let term: Int?
        let isNegated: Bool
        var weight: Double
    }

    private var telling: [Candidate] = []
    private var things: [Candidate] = []
    private var bytes: [UInt8] = []

    mutating func removeAll() {
        telling.removeAll(keepingCapacity: true)
        things.removeAll(keepingCapacity: true)
    }

    /// A word that carries the reading; words of one term are one keyword.
    private mutating func addTelling(_ hit: Evidence.Hit) {
        Self.add(
            Candidate(
                key: hit.isNegated ? ~hit.term : hit.term, symbols: hit.symbols, term: hit.term,
                isNegated: hit.isNegated, weight: hit.strength),
            to: &telling)
    }

    /// A word that says what the text is about.
    private mutating func addThing(_ symbols: Range<Int>, in text: FoldedText) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in symbols { hash = (hash ^ UInt64(text.symbols[index])) &* 0x100_0000_01B3 }
        if text.symbols[symbols.lowerBound] == Symbol.otherLetter { hash ^= UInt64(symbols.lowerBound) << 32 }
        Self.add(
            Candidate(key: Int(truncatingIfNeeded: hash), symbols: symbols, term: nil, isNegated: false, weight: 1),
            to: &things)
    }

    private static func add(_ candidate: Candidate, to pool: inout [Candidate]) {
        if let index = pool.firstIndex(where: { $0.key == candidate.key }) {
            pool[index].weight += candidate.weight
        } else if pool.count < poolMax {
            pool.append(candidate)
        }
    }

    /// The keywords, most telling first; equal ones in the order of the text.
    mutating func keywords(of text: FoldedText, _ utf8: Span<UInt8>, _ lexicon: Lexicon) -> [String] {
        guard !(telling.isEmpty && things.isEmpty) else { return [] }
        var keywords: [String] = []
        keywords.reserveCapacity(min(min(telling.count, Self.tellingMax) + things.count, Self.countMax))
        Self.sort(&telling)
        for candidate in telling.prefix(Self.tellingMax) {
            let label = candidate.term.flatMap { lexicon.terms[$0].label }
            append(candidate, label, of: text, utf8, to: &keywords)
        }
        Self.sort(&things)
        for candidate in things where keywords.count < Self.countMax {
            append(candidate, nil, of: text, utf8, to: &keywords)
        }
        return keywords
    }

    private static func sort(_ pool: inout [Candidate]) {
        guard pool.count > 1 else { return }
        pool.sort { ($0.weight, $1.symbols.lowerBound) > ($1.weight, $0.symbols.lowerBound) }
    }

    private mutating func append(
        _ candidate: Candidate, _ label: String?, of text: FoldedText, _ utf8: Span<UInt8>, to keywords: inout [String]
    ) {
        bytes.removeAll(keepingCapacity: true)
        var isSpelled = true
        let isLatin = Symbol.kind(text.symbols[candidate.symbols.lowerBound]) == .latin
        if candidate.isNegated, isLatin { bytes += "not ".utf8 }
        if let label {
            if candidate.isNegated, !isLatin, label.hasSuffix("다") { bytes += "안 ".utf8 }
            bytes += label.utf8
            if candidate.isNegated, !isLatin, !label.hasSuffix("다") { bytes += " 없음".utf8 }
        } else if text.symbols[candidate.symbols.lowerBound] == Symbol.otherLetter {
            isSpelled = false
            for index in text.bytes(of: candidate.symbols) { bytes.append(utf8[index]) }
        } else if isLatin, text.hasAccent(in: candidate.symbols) {
            let spelled = text.bytes(of: candidate.symbols)
            bytes += PlainLetters.spelled(spelled.map { utf8[$0] }).utf8
        } else {
            Symbol.appendUTF8(of: text.symbols[candidate.symbols], to: &bytes)
        }
        guard !bytes.isEmpty, bytes.count <= Self.bytesMax else { return }
        // What symbols spell is composed, so that equal words have equal bytes.
        if isSpelled, keywords.contains(where: { $0.utf8.count == bytes.count && $0.utf8.elementsEqual(bytes) }) {
            return
        }
        let keyword = String(decoding: bytes, as: UTF8.self)
        if isSpelled || !keywords.contains(keyword) { keywords.append(keyword) }
    }

    /// Takes in the things a text names and the terms that carry its reading.
    mutating func collect(from text: FoldedText, _ evidence: Evidence, _ lexicon: Lexicon) {
        let contentWords = ContentWords.standard
        var next = 0
        for word in text.words {
            // Hits and words are both in the order of the text; a word with a hit in it names no thing.
            while next < evidence.hits.count, evidence.hits[next].symbols.upperBound <= word.symbols.lowerBound {
                next += 1
            }
            if next < evidence.hits.count, evidence.hits[next].symbols.lowerBound < word.symbols.upperBound { continue }
            guard let content = contentWords.content(of: word, in: text) else { continue }
            addThing(content, in: text)
        }
        for hit in evidence.hits where !lexicon.isHidden(hit.term) { addTelling(hit) }
    }
}
