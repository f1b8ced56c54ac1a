internal import CEmotionModel

/// English words by themselves: how good people find them, and those that turn, strengthen or set off what is near.
struct ValenceLexicon: Sendable {
    enum Role {
        /// -4 (very bad) ... 4 (very good).
        case valence(Float)
        /// Turns what follows around.
        case negation
        /// Makes what follows say more, or less where below 0.
        case booster(Float)
        /// What follows counts more than what came before.
        case contrast
    }

    static let standard = ValenceLexicon(text: bytes + "\n" + GoodsValences.text)

    /// The file as it lies in the executable: `[valence]`, and the words that have it.
    static let bytes = String(
        decoding: UnsafeRawBufferPointer(start: quartet_valence_bytes(), count: quartet_valence_size()), as: UTF8.self)

    private static let boost: Float = 0.293

    private let trie: SymbolTrie
    private let roles: [Role]

    init(text: String) {
        var folded = FoldedText()
        var indices: [[UInt8]: Int] = [:]
        var roles: [Role] = []
        func add(_ words: some StringProtocol, _ role: Role) {
            roles.append(role)
            for word in words.split(separator: " ") {
                folded.fold(String(word).utf8.span)
                if indices[folded.symbols] == nil { indices[folded.symbols] = roles.count - 1 }
            }
        }
        add(Self.negations, .negation)
        add(Self.boosters, .booster(Self.boost))
        add(Self.dampers, .booster(-Self.boost))
        add("but however", .contrast)
        var valence: Float?
        for line in text.split(separator: "\n") where !line.hasPrefix("//") {
            if line.hasPrefix("[") {
                valence = Float(line.dropFirst().dropLast())
            } else if let valence {
                add(line, .valence(valence))
            }
        }
        self.roles = roles
        trie = SymbolTrie(indices.map { ($0.key, $0.value) })
    }

    /// What a whole word does.
    func role(of word: ArraySlice<UInt8>) -> Role? {
        if let index = trie.value(of: word) { return roles[index] }
        // Any verb may end in n't.
        let isDenied = word.count > 3 && word.suffix(3).elementsEqual(Self.denialEnding)
        return isDenied ? .negation : nil
    }

    private static let denialEnding: [UInt8] = [
        Symbol.letters.lowerBound + 13, Symbol.apostrophe, Symbol.letters.lowerBound + 19,
    ]

    private static let negations = """
        not no never none nobody nothing neither nor nowhere without cannot cant dont doesnt didnt isnt wasnt arent werent \
        wont wouldnt couldnt shouldnt hasnt havent hadnt aint lacks lack lacking hardly barely scarcely rarely seldom
        """

    private static let boosters = """
        absolutely amazingly awfully completely considerably decidedly deeply enormously entirely especially exceptionally \
        extremely fabulously fully greatly highly hugely incredibly intensely majorly more most particularly purely quite \
        really remarkably so substantially super thoroughly too totally tremendously unbelievably unusually utterly very
        """

    private static let dampers = """
        almost fairly kinda less little marginally occasionally partly slightly somewhat sorta
        """
}
