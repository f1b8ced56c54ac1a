import QuartetCore

/// Reads one text after the other by a model. What one text leaves behind is capacity alone.
struct ModelReader {
    /// What says less than this is punctuation; what says more is a face.
    private static let faceStrengthMin = 0.5

    private let model: EmotionModel
    private let lexicon: Lexicon
    private let valenceLexicon = ValenceLexicon.standard
    private var text = FoldedText()
    private var evidence = Evidence()
    private var valences = Valences()
    private var marks: [TextFeatures.Mark] = []
    private var features = TextFeatures()
    private var found = FoundRows()
    private var keywords = KeywordList()
    private var moved = SentenceWeights()
    private var finder = AspectFinder()

    private let findsAspects: Bool

    init(model: EmotionModel, lexicon: Lexicon, findsAspects: Bool = true) {
        (self.model, self.lexicon, self.findsAspects) = (model, lexicon, findsAspects)
    }

    mutating func read(_ string: String) -> EmotionReading {
        take(string)
        guard !text.words.isEmpty || evidence.hits.contains(where: { $0.strength >= Self.faceStrengthMin }) else {
            return Self.silent(string, text)
        }
        let parameters = model.parameters[features.language.rawValue]
        let (sums, count) = sums()
        let result = ModelScores(
            sums: sums, count: count, rules: valences.sums(of: text, evidence), by: parameters)
        var scores = EmotionScores()
        for emotion in Emotion.allCases { scores[emotion] = Fraction(Double(result.emotions[emotion.index])) }
        let emotion = Emotion.allCases[result.chosen(by: parameters)]
        keywords.removeAll()
        keywords.collect(from: text, evidence, lexicon)
        return EmotionReading(
            emotion: emotion, scores: scores, polarity: Fraction(Double(result.polarity)),
            keywords: keywords.keywords(of: text, string.utf8.span, lexicon),
            excerpt: excerpt(of: string, for: emotion, parameters),
            aspects: findsAspects ? finder.aspects(in: text, string.utf8.span, evidence, valences) : [])
    }

    private mutating func take(_ string: String) {
        text.fold(string.utf8.span)
        evidence.collect(from: text, by: lexicon)
        marks.removeAll(keepingCapacity: true)
        for hit in evidence.hits { TextFeatures.appendMarks(of: hit, to: &marks) }
        valences.collect(from: text, string.utf8.span, by: valenceLexicon)
        for hit in valences.hits { TextFeatures.appendMarks(of: hit, in: text, to: &marks) }
        let symbols = text.symbols
        features.prepare(symbols.span)
    }

    private mutating func sums() -> (SIMD8<Int32>, Int) {
        let (symbols, marks) = (text.symbols, marks)
        var found = FoundRows()
        swap(&found, &self.found)
        defer { self.found = found }
        let sum = model.withRows { rows in
            found.collect(features, symbols.span, marks: marks.span, bucketCount: model.bucketCount, in: rows)
            return found.sum(in: rows)
        }
        return (sum, found.count)
    }

    /// A text without a word or a face.
    private static func silent(_ string: String, _ text: FoldedText) -> EmotionReading {
        var scores = EmotionScores()
        scores[.neutral] = Fraction(1)
        let excerpt = Excerpt.cut(string, to: text.bytes(of: text.sentence(0)), focus: 0)
        return EmotionReading(emotion: .neutral, scores: scores, polarity: Fraction(0), keywords: [], excerpt: excerpt)
    }

    /// The sentence that moved the score of `emotion` most, for a neutral text the one that moved the polarity most.
    private mutating func excerpt(of string: String, for emotion: Emotion, _ parameters: ModelParameters) -> String {
        if text.sentenceEnds.count == 1, string.utf8.count <= Excerpt.bytesMax {
            return Excerpt.cut(string, to: 0..<string.utf8.count, focus: 0)
        }
        let neutral = Emotion.neutral.index
        let lane = emotion == .neutral ? ModelParameters.polarityLane : emotion.index
        let direction = SentenceWeights.Direction(
            towards: (lane, parameters.factors[lane]),
            from: (neutral, emotion == .neutral ? 0 : parameters.factors[neutral]))
        var moved = SentenceWeights()
        swap(&moved, &self.moved)
        defer { self.moved = moved }
        let (symbolCount, found) = (text.symbols.count, found)
        model.withRows { moved.collect(found, in: $0, direction, symbolCount: symbolCount) }
        let (sentence, focus) = moved.strongest(of: text, isSigned: emotion != .neutral)
        let range = text.bytes(of: text.sentence(sentence))
        return Excerpt.cut(string, to: range, focus: text.bytes(of: focus..<focus).lowerBound)
    }
}
