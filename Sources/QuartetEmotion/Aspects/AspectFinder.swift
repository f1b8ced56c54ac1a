import QuartetCore

/// Finds what a text judges and how, clause by clause: "디자인은 예쁜데 무거워요" is 디자인 +, 무게 -.
///
/// A judgement comes from the words around the thing, never from the whole text. Buffers are kept for the next text; what
/// a text gives depends on it alone.
struct AspectFinder {
    /// Fewer than a card may name: more than that of one text is mostly chance.
    static let countMax = 8

    /// Entries are indices in the lexicon: what is made for every text owns nothing.
    struct Name {
        /// Nil for a thing without an entry.
        let entry: Int?
        let symbols: Range<Int>
        /// Whether it only says where: from the box.
        var isPlace = false
    }

    struct Judgement {
        var polarity: Double
        let symbols: Range<Int>
        /// What the words themselves imply.
        var implied: Int?
        /// More or less of something, 1 or -1: good or bad by what there is more of.
        var amount: Double = 0
        var isUsed = false
    }

    /// Names, and judgements, that are weighed of one text, however long it is: those at its beginning.
    private static let weighedMax = 64
    private static let impliedPolarity = 0.7
    private static let feelingMin = 0.3
    private static let valenceMin: Float = 1.2

    private let lexicon = AspectLexicon.standard
    private let valenceLexicon = ValenceLexicon.standard
    private let words = AspectWords.standard
    /// Of the words of the text.
    private var roles: [AspectWords.Word] = []
    private(set) var names: [Name] = []
    private(set) var judgements: [Judgement] = []
    private var clauses = ClauseSplitter()

    /// The aspects of a text that was folded and heard, in the order of the text.
    mutating func aspects(
        in text: FoldedText, _ utf8: Span<UInt8>, _ evidence: Evidence, _ valences: Valences
    ) -> [Aspect] {
        guard !text.words.isEmpty else { return [] }
        roles.removeAll(keepingCapacity: true)
        for word in text.words { roles.append(words.word(word.symbols, in: text.symbols)) }
        collectNames(text)
        collectJudgements(text, evidence, valences)
        guard !judgements.isEmpty else { return [] }
        clauses.split(text, roles, judgements)
        var found: [Aspect] = []
        var (name, judgement, start) = (0, 0, 0)
        for end in clauses.ends {
            defer { start = end }
            let (firstName, firstJudgement) = (name, judgement)
            while name < names.count, names[name].symbols.lowerBound < end { name += 1 }
            while judgement < judgements.count, judgements[judgement].symbols.lowerBound < end { judgement += 1 }
            pair(firstName..<name, firstJudgement..<judgement, in: start..<end, text, utf8, &found)
            if found.count >= Self.countMax { break }
        }
        return found
    }

    private mutating func collectNames(_ text: FoldedText) {
        names.removeAll(keepingCapacity: true)
        judgements.removeAll(keepingCapacity: true)
        var covered = 0
        for (position, word) in text.words.enumerated() where word.symbols.lowerBound >= covered {
            guard names.count < Self.weighedMax, judgements.count < Self.weighedMax else { break }
            guard word.kind == .hangul || word.kind == .latin,
                let (index, end) = lexicon.longest(at: word.symbols.lowerBound, in: text.symbols)
            else { continue }
            let symbols = word.symbols.lowerBound..<end
            covered = end
            if lexicon.implies(index) {
                let implied = lexicon.entries[index].implied ?? 0
                let sign = isDenied(symbols, word: position, in: text) ? -implied : implied
                judgements.append(Judgement(polarity: sign * Self.impliedPolarity, symbols: symbols, implied: index))
            } else if !words.isComparison(behind: end, in: text.symbols),
                !(isAllowance(before: position) && lexicon.entries[index].term == "price"),
                // Mic quality is of the mic.
                !(names.last?.symbols.upperBound == symbols.lowerBound - 1 && lexicon.entries[index].term == "quality")
            {
                // Of a coffee cup the cup is meant.
                if word.kind == .latin, let last = names.last?.symbols.upperBound, last == symbols.lowerBound - 1,
                    text.symbols[last] == Symbol.space
                {
                    names.removeLast()
                }
                names.append(Name(entry: index, symbols: symbols, isPlace: isPlace(position)))
            }
        }
    }

    /// Whether "for the" stands before: good for the price.
    private func isAllowance(before word: Int) -> Bool {
        word >= 2 && roles[word - 2].role == .allowance
    }

    /// Whether a word stands behind "from" or the like, and perhaps "the".
    private func isPlace(_ word: Int) -> Bool {
        guard word > 0 else { return false }
        if roles[word - 1].role == .place { return true }
        return word > 1 && roles[word - 1].role == .determiner && roles[word - 2].role == .place
    }

    private mutating func collectJudgements(_ text: FoldedText, _ evidence: Evidence, _ valences: Valences) {
        let impliedCount = judgements.count
        for hit in evidence.hits where abs(hit.feeling.polarity) >= Self.feelingMin {
            guard judgements.count < Self.weighedMax * 2 else { break }
            if let index = judgements[..<impliedCount].firstIndex(where: { $0.symbols.overlaps(hit.symbols) }) {
                // What the lexicon hears as denied is.
                if hit.isNegated, let entry = judgements[index].implied {
                    judgements[index].polarity = -(lexicon.entries[entry].implied ?? 0) * Self.impliedPolarity
                }
                continue
            }
            judgements.append(Judgement(polarity: hit.feeling.polarity, symbols: hit.symbols))
        }
        for hit in valences.hits
        where abs(hit.value) >= Self.valenceMin && roles[hit.word].role != .plainNoun {
            guard judgements.count < Self.weighedMax * 3 else { break }
            let symbols = text.words[hit.word].symbols
            if judgements.contains(where: { $0.symbols.overlaps(symbols) }) || isLikeness(hit.word) { continue }
            judgements.append(Judgement(polarity: Double(max(-4, min(4, hit.value))) / 4, symbols: symbols))
        }
        collectAmounts(text)
        collectFaults(text)
        sortOut(text)
    }

    /// Whether a word is "like" without somebody before it who likes: it looks like straw.
    private func isLikeness(_ word: Int) -> Bool {
        guard roles[word].role == .likeness else { return false }
        return word == 0 || !(roles[word - 1].role == .general || roles[word - 1].role == .adverb)
    }

    private mutating func collectAmounts(_ text: FoldedText) {
        for (index, role) in roles.enumerated() where role.role == .denial || role.amount != 0 {
            guard judgements.count < Self.weighedMax * 4 else { break }
            var (symbols, amount) = (text.words[index].symbols, Double(role.amount))
            // 안 닫혀요: what a thing does not do.
            if role.role == .denial, index + 1 < text.words.count {
                (symbols, amount) = (symbols.lowerBound..<text.words[index + 1].symbols.upperBound, -1)
            }
            if amount == 0 || judgements.contains(where: { $0.symbols.overlaps(symbols) }) { continue }
            judgements.append(Judgement(polarity: 0, symbols: symbols, amount: amount))
        }
    }

    /// What English says of things in no word of its own: the bag doesn't close, the lid is too stiff.
    private mutating func collectFaults(_ text: FoldedText) {
        for (index, role) in roles.enumerated() where role.role == .failure || role.role == .excess {
            guard judgements.count < Self.weighedMax * 4, index > 0, index + 1 < text.words.count,
                isFault(role.role, at: index, in: text)
            else { continue }
            let symbols = text.words[index].symbols.lowerBound..<text.words[index + 1].symbols.upperBound
            if judgements.contains(where: { $0.symbols.overlaps(symbols) }) { continue }
            judgements.append(Judgement(polarity: -0.5, symbols: symbols))
        }
    }

    private func isFault(_ role: AspectWords.Role, at index: Int, in text: FoldedText) -> Bool {
        let (word, next) = (text.words[index], text.words[index + 1])
        guard next.kind == .latin, next.symbols.lowerBound == word.symbols.upperBound + 1,
            ContentWords.standard.content(of: next, in: text) != nil
        else { return false }
        // Who fails is a thing, not I or they.
        if role == .failure {
            return roles[index - 1].role == .none
                && ContentWords.standard.content(of: text.words[index - 1], in: text) != nil
        }
        return !isDenied(word.symbols, word: index, in: text)
    }

    private mutating func sortOut(_ text: FoldedText) {
        guard !judgements.isEmpty else { return }
        // A name in itself is no judgement, but 총알배송 is.
        judgements.removeAll { judgement in
            judgement.implied == nil
                && names.contains {
                    $0.symbols.lowerBound <= judgement.symbols.lowerBound
                        && judgement.symbols.upperBound <= $0.symbols.upperBound
                        && (abs(judgement.polarity) < 0.5 || Symbol.kind(text.symbols[$0.symbols.lowerBound]) == .latin)
                }
        }
        judgements.sort { $0.symbols.lowerBound < $1.symbols.lowerBound }
        names.removeAll { name in
            // 맛있다 names no thing of its own.
            judgements.contains {
                $0.implied != nil && $0.symbols.contains(name.symbols.lowerBound) && $0.symbols != name.symbols
            }
        }
    }

    /// Whether 안 or 못 stands before, 지 않 behind, or a denial among the three words before.
    private func isDenied(_ symbols: Range<Int>, word: Int, in text: FoldedText) -> Bool {
        if text.words[word].kind == .latin {
            for before in max(0, word - 3)..<word {
                if case .negation = valenceLexicon.role(of: text.symbols[text.words[before].symbols]) { return true }
            }
            return false
        }
        if word > 0, roles[word - 1].role == .denial { return true }
        return words.isDenied(behind: symbols.upperBound, in: text.symbols)
    }

    private mutating func pair(
        _ namesHere: Range<Int>, _ judgementsHere: Range<Int>, in clause: Range<Int>, _ text: FoldedText,
        _ utf8: Span<UInt8>, _ found: inout [Aspect]
    ) {
        let hasThing = namesHere.contains { !names[$0].isPlace }
        for name in namesHere where !(hasThing && names[name].isPlace) {
            guard let best = judgement(for: name, among: judgementsHere, namesHere, in: text) else { continue }
            judgements[best].isUsed = true
            let judgement = judgements[best]
            let isNuisance = names[name].entry.map { lexicon.entries[$0].isNuisance } ?? false
            let polarity = polarity(of: judgement, isNuisance: isNuisance)
            append(names[name], judgement, polarity, text, utf8, &found)
        }
        for index in judgementsHere where !judgements[index].isUsed {
            let judgement = judgements[index]
            if let implied = judgement.implied, !lexicon.entries[implied].term.isEmpty {
                let name = Name(entry: implied, symbols: judgement.symbols)
                append(name, judgement, judgement.polarity, text, utf8, &found)
            } else if let subject = subject(of: judgement, in: text)
                ?? object(of: judgement, before: clause.upperBound, in: text),
                clause.contains(subject.lowerBound),
                !names[namesHere].contains(where: { $0.symbols.overlaps(subject) }),
                !judgements[judgementsHere].contains(where: { $0.symbols.overlaps(subject) })
            {
                let isNuisance =
                    judgement.amount != 0 && AspectWords.nuisances.contains(AspectSpelling.term(subject, text, utf8))
                let polarity = polarity(of: judgement, isNuisance: isNuisance)
                append(Name(entry: nil, symbols: subject), judgement, polarity, text, utf8, &found)
            }
        }
    }

    /// What a judgement is worth of a thing: much of it may be bad.
    private func polarity(of judgement: Judgement, isNuisance: Bool) -> Double {
        guard judgement.amount != 0 else { return judgement.polarity }
        return judgement.amount * (isNuisance ? -0.5 : 0.5)
    }

    /// The judgement of a thing in its clause: in Korean the first behind it, else the last before; in English the nearest.
    private func judgement(
        for name: Int, among range: Range<Int>, _ names: Range<Int>, in text: FoldedText
    ) -> Int? {
        let symbols = self.names[name].symbols
        let isKorean = Symbol.kind(text.symbols[symbols.lowerBound]) == .hangul
        var best: (index: Int, distance: Int)?
        for index in range {
            let judged = judgements[index].symbols
            if judged == symbols, judgements[index].implied == nil, abs(judgements[index].polarity) < 0.5 { continue }
            var distance: Int
            if judged.lowerBound >= symbols.upperBound {
                distance = judged.lowerBound - symbols.upperBound
            } else if judged.upperBound <= symbols.lowerBound {
                let gap = symbols.lowerBound - judged.upperBound
                distance = gap + (isKorean ? 40 : gap > 1 ? 6 : 0)
            } else {
                distance = 0
            }
            if !isKorean {
                let between = min(judged.lowerBound, symbols.lowerBound)..<max(judged.upperBound, symbols.upperBound)
                for other in names where other != name && between.overlaps(self.names[other].symbols) {
                    distance += 12
                }
                // A coffee with a rich aroma: the aroma is rich.
                if judged.lowerBound >= symbols.upperBound,
                    names.contains(where: { self.names[$0].symbols.lowerBound == judged.upperBound + 1 })
                {
                    continue
                }
            }
            if distance < best?.distance ?? .max { best = (index, distance) }
        }
        return best?.index
    }

    /// A thing without an entry: the noun right before the judgement, with a particle of its own or before "is".
    private func subject(of judgement: Judgement, in text: FoldedText) -> Range<Int>? {
        guard
            var word = text.words.lastIndex(where: { $0.symbols.lowerBound <= judgement.symbols.lowerBound }), word > 0
        else { return nil }
        var (steps, hasVerb) = (0, roles[word].role == .failure)
        word -= 1
        while word > 0, steps < 3, roles[word].role.isAdverb {
            hasVerb = hasVerb || roles[word].role == .verb
            (word, steps) = (word - 1, steps + 1)
        }
        let candidate = text.words[word]
        guard candidate.symbols.upperBound <= judgement.symbols.lowerBound,
            let content = ContentWords.standard.content(of: candidate, in: text),
            words.word(content, in: text.symbols).role != .general
        else { return nil }
        switch candidate.kind {
        case .hangul:
            let particle = content.upperBound..<candidate.symbols.upperBound
            return words.word(particle, in: text.symbols).role == .particle ? content : nil
        case .latin:
            let isIntroduced = word > 0 && roles[word - 1].role == .determiner
            return hasVerb || isIntroduced ? content : nil
        default: return nil
        }
    }

    /// The noun right behind a judgement that is no entry: a weird aroma.
    private func object(of judgement: Judgement, before end: Int, in text: FoldedText) -> Range<Int>? {
        guard Symbol.kind(text.symbols[judgement.symbols.lowerBound]) == .latin,
            let word = text.words.firstIndex(where: { $0.symbols.lowerBound >= judgement.symbols.upperBound }),
            word > 0, text.words[word].kind == .latin, text.words[word].symbols.upperBound <= end,
            text.words[word].symbols.lowerBound == judgement.symbols.upperBound + 1,
            let content = ContentWords.standard.content(of: text.words[word], in: text)
        else { return nil }
        let before = text.words[word - 1].symbols.lowerBound == judgement.symbols.lowerBound ? word - 2 : -1
        let isIntroduced = before < 0 || roles[before].role == .determiner || roles[before].role.isAdverb
        return isIntroduced && words.word(content, in: text.symbols).role != .general ? content : nil
    }

    private func append(
        _ name: Name, _ judgement: Judgement, _ polarity: Double, _ text: FoldedText, _ utf8: Span<UInt8>,
        _ found: inout [Aspect]
    ) {
        guard found.count < Self.countMax else { return }
        let entry = name.entry.map { lexicon.entries[$0] }
        let term = entry?.term ?? AspectSpelling.term(name.symbols, text, utf8)
        guard !term.isEmpty, term.utf8.count <= Aspect.termBytesMax else { return }
        let value = Fraction(polarity)
        if found.contains(where: { $0.term == term && ($0.polarity.value > 0) == (value.value > 0) }) { return }
        let opinion = text.bytes(of: wholeWords(judgement.symbols, in: text))
        let thing = text.bytes(of: name.symbols)
        let span = min(opinion.lowerBound, thing.lowerBound)..<max(opinion.upperBound, thing.upperBound)
        let words = AspectSpelling.words(opinion, utf8)
        // Room for most texts' aspects at once.
        if found.isEmpty { found.reserveCapacity(4) }
        found.append(
            Aspect(
                term: term, opinion: words, polarity: value, span: span,
                text: span == opinion ? words : AspectSpelling.words(span, utf8),
                // A thing that shops have no name for is mostly a part of the goods.
                category: entry?.category ?? .quality))
    }

    /// Up to the end of the words that begin or end in `symbols`.
    private func wholeWords(_ symbols: Range<Int>, in text: FoldedText) -> Range<Int> {
        var (lower, upper) = (symbols.lowerBound, symbols.upperBound)
        for word in text.words where word.symbols.overlaps(symbols) {
            (lower, upper) = (min(lower, word.symbols.lowerBound), max(upper, word.symbols.upperBound))
        }
        return lower..<upper
    }
}
