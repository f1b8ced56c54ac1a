/// What the words of a text are worth by a list, once denial, strength, capitals, exclamation and "but" are heard: the
/// rules of VADER (Hutto and Gilbert 2014) in short. A model weighs the sums, and the words themselves as features.
struct Valences {
    struct Hit {
        /// The index of the word in the text.
        let word: Int
        /// The symbol where the word begins.
        let position: Int
        /// -4 ... 4, and more where it is strengthened.
        var value: Float
        let isNegated: Bool
    }

    /// So many words before one may deny or strengthen it.
    private static let reach = 3
    private static let denialFactor: Float = -0.74
    private static let capitals: Float = 0.733
    private static let exclamation: Float = 0.292
    private static let exclamationsMax = 4
    private static let (beforeContrast, afterContrast): (Float, Float) = (0.5, 1.5)

    private(set) var hits: [Hit] = []
    /// Roles of the last words, the latest first.
    private var recent = InlineArray<3, Recent>(repeating: .none)

    private enum Recent {
        case none, negation
        case booster(Float)
    }

    mutating func collect(from text: FoldedText, _ utf8: Span<UInt8>, by lexicon: ValenceLexicon) {
        hits.removeAll(keepingCapacity: true)
        recent = InlineArray(repeating: .none)
        var (sentence, sentenceStart, isAfterContrast) = (0, 0, false)
        for (index, word) in text.words.enumerated() where word.kind == .latin {
            while text.sentenceEnds[sentence] <= word.symbols.lowerBound {
                sentence += 1
                (sentenceStart, isAfterContrast) = (hits.count, false)
                recent = InlineArray(repeating: .none)
            }
            var role = Recent.none
            switch lexicon.role(of: text.symbols[word.symbols]) {
            case .valence(let valence):
                var hit = hit(valence, word: index, word.symbols, in: text, utf8)
                if isAfterContrast { hit.value *= Self.afterContrast }
                hits.append(hit)
            case .negation: role = .negation
            case .booster(let boost): role = .booster(boost)
            case .contrast:
                for index in sentenceStart..<hits.count { hits[index].value *= Self.beforeContrast }
                (sentenceStart, isAfterContrast) = (hits.count, true)
            case nil: break
            }
            recent[2] = recent[1]
            recent[1] = recent[0]
            recent[0] = role
        }
    }

    private func hit(
        _ valence: Float, word: Int, _ symbols: Range<Int>, in text: FoldedText, _ utf8: Span<UInt8>
    ) -> Hit {
        let sign: Float = valence < 0 ? -1 : 1
        var (value, isNegated, nearness) = (valence, false, Float(1))
        if text.hasLowercase, Self.isCapital(text.bytes(of: symbols), utf8) { value += sign * Self.capitals }
        for index in recent.indices {
            switch recent[index] {
            case .none: break
            case .negation: isNegated.toggle()
            case .booster(let boost): value += sign * boost * nearness
            }
            nearness -= 0.05
        }
        if isNegated { value *= Self.denialFactor }
        return Hit(word: word, position: symbols.lowerBound, value: value, isNegated: isNegated)
    }

    private static func isCapital(_ bytes: Range<Int>, _ utf8: Span<UInt8>) -> Bool {
        bytes.count > 1 && (0x41...0x5A).contains(utf8[bytes.lowerBound])
            && (0x41...0x5A).contains(utf8[bytes.lowerBound + 1])
    }

    /// Sums over the text, each about -1...1, which a model weighs beside its features. Those from the sixth on are of what
    /// the emotion lexicon heard, which reads Korean too, and of marks.
    func sums(of text: FoldedText, _ evidence: Evidence) -> SIMD16<Float> {
        var (good, bad) = (Float(0), Float(0))
        for hit in hits { if hit.value > 0 { good += hit.value } else { bad -= hit.value } }
        var sums = SIMD16<Float>.zero
        if !hits.isEmpty {
            var total = good - bad
            let marks = Float(min(text.exclamationCount, Self.exclamationsMax)) * Self.exclamation
            total += total > 0 ? marks : total < 0 ? -marks : 0
            sums[0] = total / (total * total + 15).squareRoot()
            sums[1] = good / (good + bad + 3)
            sums[2] = bad / (good + bad + 3)
            sums[3] = (good - bad) / Float(text.words.count)
            sums[4] = (hits.last?.value ?? 0) / 4
        }
        var (pleased, displeased, emotions) = (Float(0), Float(0), SIMD8<Float>.zero)
        for hit in evidence.hits {
            let polarity = Float(hit.feeling.polarity)
            if polarity > 0 { pleased += polarity } else { displeased -= polarity }
            for emotion in 0..<6 { emotions[emotion] += Float(hit.feeling.weights[emotion]) }
        }
        sums[5] = (pleased - displeased) / (pleased + displeased + 0.25)
        sums[6] = pleased / (pleased + displeased + 1)
        sums[7] = displeased / (pleased + displeased + 1)
        for emotion in 0..<6 { sums[8 + emotion] = emotions[emotion] / (emotions[emotion] + 1) }
        sums[14] = text.exclamationCount > 0 ? 1 : 0
        sums[15] = text.hasQuestion ? 1 : 0
        return sums
    }
}
