import QuartetCore

/// Why a lexicon could not be read.
struct LexiconFormatError: Error, CustomStringConvertible {
    let line: String
    let message: String

    var description: String { "lexicon: \(message) in \"\(line)\"" }
}

/// Reads the lexicon's own text form, line by line.
///
/// A line in brackets says what the terms below it do: `[joy 0.9, surprise 0.2, polarity 0.8]`, `[negate next 3]`,
/// `[negate previous]`, `[intensity 1.5]`, `[contrast]` or `[ignore]`. Terms are separated by blanks:
///
/// - `_` stands for a blank; a Korean term with blanks is also known without them.
/// - `^` in front: only where a word begins; `$` behind: only where one ends.
/// - Latin terms are whole words; with `*` behind they are the beginnings of words.
/// - A lone consonant behind a syllable is the initial of the next one: `슬ㅍ` is in 슬프다, 슬픈 and 슬퍼.
/// - `>label` is how the term is shown as a keyword; `>` alone keeps it from being one.
/// - `emoji:laugh` is any emoji of that ``Pictograph`` group.
/// - A line that begins with `//` is a remark.
struct LexiconParser {
    private(set) var terms: [Lexicon.Term] = []
    private(set) var keys: [[UInt8]: Int] = [:]
    /// Keys made by leaving out blanks; a term that spells one out takes its place.
    private var joinedKeys: Set<[UInt8]> = []
    private var effect = Lexicon.Effect.none
    private var folded = FoldedText()

    mutating func parse(_ text: String) throws(LexiconFormatError) {
        for line in text.split(separator: "\n") where !line.hasPrefix("//") {
            if line.hasPrefix("["), line.hasSuffix("]"), line.count > 2 {
                effect = try Self.effect(String(line.dropFirst().dropLast()))
            } else {
                for word in line.split(separator: " ") { try add(word) }
            }
        }
    }

    private static func effect(_ heading: String) throws(LexiconFormatError) -> Lexicon.Effect {
        let parts = heading.split(separator: " ").map { $0.hasSuffix(",") ? $0.dropLast() : $0 }
        switch (parts[0], parts.count) {
        case ("contrast", 1): return .contrast
        case ("ignore", 1): return .none
        case ("negate", 2) where parts[1] == "previous": return .negatePrevious
        case ("negate", 3):
            guard parts[1] == "next", let words = Int(parts[2]) else { break }
            return .negateNext(words: words)
        case ("intensity", 2):
            guard let factor = Double(parts[1]) else { break }
            return .intensity(factor)
        default: return .feeling(try feeling(parts, of: heading))
        }
        throw LexiconFormatError(line: heading, message: "unknown heading")
    }

    private static func feeling(
        _ parts: [Substring], of heading: String
    ) throws(LexiconFormatError) -> Lexicon.Feeling {
        var feeling = Lexicon.Feeling()
        for index in stride(from: 0, to: parts.count, by: 2) {
            guard index + 1 < parts.count, let value = Double(parts[index + 1]), abs(value) <= 1 else {
                throw LexiconFormatError(line: heading, message: "a name needs a value of -1...1")
            }
            if parts[index] == "polarity" {
                feeling.polarity = value
            } else if let emotion = Emotion(rawValue: String(parts[index])), emotion != .neutral, value >= 0 {
                feeling.weights[emotion.index] = value
            } else {
                throw LexiconFormatError(line: heading, message: "unknown name \(parts[index])")
            }
        }
        return feeling
    }

    private mutating func add(_ word: Substring) throws(LexiconFormatError) {
        var spelling = word
        var label: String?
        // The mark > is a term of its own in faces such as >_<.
        if let mark = spelling.firstIndex(of: ">"), mark != spelling.startIndex,
            Symbol.kind(symbols(of: spelling.prefix(1)).first ?? 0) != .gap || spelling.hasPrefix("^")
        {
            label = String(spelling[spelling.index(after: mark)...]).replacing("_", with: " ")
            spelling = spelling[..<mark]
        }
        let isFace = symbols(of: spelling).allSatisfy { Symbol.kind($0) == .gap }
        let beginsWord = !isFace && spelling.hasPrefix("^")
        if beginsWord { spelling = spelling.dropFirst() }
        let endsWord = !isFace && spelling.hasSuffix("$")
        if endsWord { spelling = spelling.dropLast() }
        let isPrefix = !isFace && spelling.hasSuffix("*")
        if isPrefix { spelling = spelling.dropLast() }

        let key = isFace && !spelling.hasPrefix("emoji:") ? symbols(of: spelling) : try termSymbols(spelling)
        guard let first = key.first, let last = key.last else {
            throw LexiconFormatError(line: String(word), message: "nothing to match")
        }
        let isKorean = Symbol.kind(first) == .hangul
        let isShown = isKorean || Symbol.kind(first) == .latin && Symbol.kind(last) == .latin
        if isKorean, label == nil {
            label = String(spelling.hasSuffix("_") ? spelling.dropLast() : spelling).replacing("_", with: " ")
        }
        let term = Lexicon.Term(
            effect: effect, label: isShown ? label : "",
            mustBeginWord: beginsWord || Symbol.kind(first) == .latin,
            mustEndWord: endsWord || Symbol.kind(last) == .latin && !isPrefix)
        guard keys.updateValue(terms.count, forKey: key) == nil || joinedKeys.remove(key) != nil else {
            throw LexiconFormatError(line: String(word), message: "a term twice")
        }
        if isKorean, last != Symbol.space, key.contains(Symbol.space) {
            let joined = key.filter { $0 != Symbol.space }
            if keys[joined] == nil {
                keys[joined] = terms.count
                joinedKeys.insert(joined)
            }
        }
        terms.append(term)
    }

    private mutating func symbols(of spelling: Substring) -> [UInt8] {
        folded.fold(String(spelling).utf8.span)
        return folded.symbols
    }

    private mutating func termSymbols(_ spelling: Substring) throws(LexiconFormatError) -> [UInt8] {
        if spelling.hasPrefix("emoji:") {
            guard let group = Pictograph.allCases.first(where: { $0.name == spelling.dropFirst(6) }) else {
                throw LexiconFormatError(line: String(spelling), message: "unknown emoji group")
            }
            return [group.symbol]
        }
        var key = symbols(of: Substring(spelling.replacing("_", with: " ")))
        if key.count > 1, let last = key.last, Symbol.kind(key[key.count - 2]) == .hangul,
            let initial = Symbol.initial(ofJamo: last)
        {
            key[key.count - 1] = initial
        }
        return key
    }
}
