import QuartetCore

/// Reads one text after the other. What one text leaves behind is capacity alone.
struct LexiconReader {
    /// What weighs against a polarity that rests on little.
    private static let polarityInertia = 0.25

    private let lexicon: Lexicon
    private var text = FoldedText()
    private var evidence = Evidence()
    private var keywords = KeywordList()
    private let valenceLexicon = ValenceLexicon.standard
    private var valences = Valences()
    private var finder = AspectFinder()

    init(lexicon: Lexicon) {
        self.lexicon = lexicon
    }

    mutating func read(_ string: String) -> EmotionReading {
        text.fold(string.utf8.span)
        evidence.collect(from: text, by: lexicon)
        var sums = InlineArray<6, Double>(repeating: 0)
        var (polarity, weight) = (0.0, 0.0)
        for hit in evidence.hits {
            for index in sums.indices { sums[index] += hit.feeling.weights[index] }
            polarity += hit.feeling.polarity
            weight += abs(hit.feeling.polarity)
        }
        let scores = Self.scores(of: sums)
        keywords.removeAll()
        keywords.collect(from: text, evidence, lexicon)
        valences.collect(from: text, string.utf8.span, by: valenceLexicon)
        return EmotionReading(
            emotion: scores.strongest, scores: scores, polarity: Fraction(polarity / (weight + Self.polarityInertia)),
            keywords: keywords.keywords(of: text, string.utf8.span, lexicon),
            excerpt: excerpt(of: string, for: scores.strongest),
            aspects: finder.aspects(in: text, string.utf8.span, evidence, valences))
    }

    private static func scores(of sums: InlineArray<6, Double>) -> EmotionScores {
        var total = LexiconAnalyzer.neutralWeight
        for index in sums.indices { total += sums[index] }
        var scores = EmotionScores()
        for emotion in Emotion.allCases {
            let sum = emotion == .neutral ? LexiconAnalyzer.neutralWeight : sums[emotion.index]
            scores[emotion] = Fraction(sum / total)
        }
        return scores
    }

    /// The sentence that says most for the emotion; where none says anything, the first with a word in it.
    private func excerpt(of string: String, for emotion: Emotion) -> String {
        var best = (sentence: 0, sum: 0.0, focus: text.words.first?.symbols.lowerBound ?? 0)
        var current = (sentence: -1, sum: 0.0, focus: 0, strength: 0.0)
        var sentence = 0
        for hit in evidence.hits {
            while text.sentenceEnds[sentence] <= hit.symbols.lowerBound { sentence += 1 }
            if sentence != current.sentence { current = (sentence, 0, hit.symbols.lowerBound, 0) }
            let strength = emotion == .neutral ? hit.strength : hit.feeling.weights[emotion.index]
            current.sum += strength
            if strength > current.strength { (current.focus, current.strength) = (hit.symbols.lowerBound, strength) }
            if current.sum > best.sum { best = (sentence, current.sum, current.focus) }
        }
        if best.sum == 0, text.words.first != nil {
            while text.sentenceEnds[best.sentence] <= best.focus { best.sentence += 1 }
        }
        let range = text.bytes(of: text.sentence(best.sentence))
        let focus = text.bytes(of: best.focus..<best.focus).lowerBound
        return Excerpt.cut(string, to: range, focus: focus)
    }
}
