import QuartetCore

/// Reads one text after the other by a model. What one text leaves behind is capacity alone.
struct ModelReader {
    private let model: EmotionModel
    private let lexicon: Lexicon
    private var text = FoldedText()
    private var evidence = Evidence()
    private var marks: [TextFeatures.Mark] = []
    private var features = TextFeatures()
    private var keywords = KeywordList()
    private var moved = SentenceWeights()

    init(model: EmotionModel, lexicon: Lexicon) {
        (self.model, self.lexicon) = (model, lexicon)
    }

    mutating func read(_ string: String) -> EmotionReading {
        take(string)
        guard !text.words.isEmpty || !evidence.hits.isEmpty else { return Self.silent(string, text) }
        let parameters = model.parameters[features.language.rawValue]
        let (sums, count) = sums()
        let result = ModelScores(sums: sums, count: count, by: parameters)
        var scores = EmotionScores()
        for emotion in Emotion.allCases { scores[emotion] = Fraction(Double(result.emotions[emotion.index])) }
        let emotion = Emotion.allCases[result.chosen(by: parameters)]
        keywords.removeAll()
        keywords.collect(from: text, evidence, lexicon)
        return EmotionReading(
            emotion: emotion, scores: scores, polarity: Fraction(2 * Double(result.positive) - 1),
            keywords: keywords.keywords(of: text, string.utf8.span),
            excerpt: excerpt(of: string, for: emotion, parameters))
    }

    /// The sums of weights and how many features there are.
    mutating func sums(of string: String) -> (sums: SIMD8<Int32>, count: Int, language: ModelLanguage) {
        take(string)
        let (sums, count) = sums()
        return (sums, count, features.language)
    }

    private mutating func take(_ string: String) {
        text.fold(string.utf8.span)
        evidence.collect(from: text, by: lexicon)
        marks.removeAll(keepingCapacity: true)
        for hit in evidence.hits { TextFeatures.appendMarks(of: hit, to: &marks) }
        let symbols = text.symbols
        features.prepare(symbols.span)
    }

    private func sums() -> (SIMD8<Int32>, Int) {
        model.withRows { rows in
            var (sums, count) = (SIMD8<Int32>.zero, 0)
            features.walk(text.symbols.span, marks: marks.span) { hash, _ in
                sums &+= Self.row(of: hash, in: rows, count: model.bucketCount)
                count += 1
            }
            return (sums, count)
        }
    }

    @inline(__always)
    private static func row(of hash: UInt64, in rows: UnsafeRawPointer, count: UInt32) -> SIMD8<Int32> {
        let offset = TextFeatures.bucket(of: hash, count: count) * ModelParameters.lanes
        return SIMD8<Int32>(truncatingIfNeeded: rows.loadUnaligned(fromByteOffset: offset, as: SIMD8<Int8>.self))
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
        var direction = SIMD8<Float>.zero
        if emotion == .neutral {
            direction[ModelParameters.polarityLane] = parameters.factors[ModelParameters.polarityLane]
        } else {
            direction[emotion.index] = parameters.factors[emotion.index]
            direction[Emotion.neutral.index] = -parameters.factors[Emotion.neutral.index]
        }
        var moved = SentenceWeights()
        swap(&moved, &self.moved)
        defer { self.moved = moved }
        moved.removeAll(symbolCount: text.symbols.count)
        model.withRows { rows in
            features.walk(text.symbols.span, marks: marks.span) { hash, position in
                let row = SIMD8<Float>(Self.row(of: hash, in: rows, count: model.bucketCount))
                moved.add((row * direction).sum(), at: Int(position))
            }
        }
        let (sentence, focus) = moved.strongest(of: text, isSigned: emotion != .neutral)
        let range = text.bytes(of: text.sentence(sentence))
        return Excerpt.cut(string, to: range, focus: text.bytes(of: focus..<focus).lowerBound)
    }
}

/// How much the features that begin at each symbol moved a score.
struct SentenceWeights {
    private var weights: [Float] = []

    mutating func removeAll(symbolCount: Int) {
        weights.removeAll(keepingCapacity: true)
        weights.append(contentsOf: repeatElement(0, count: symbolCount + 1))
    }

    @inline(__always)
    mutating func add(_ weight: Float, at position: Int) {
        weights[position] += weight
    }

    /// The sentence with the largest sum, and the symbol in it where the word begins that has the largest share. Sums
    /// count by their size where they are not `isSigned`. Sentences without a word are passed over while others have one.
    func strongest(of text: FoldedText, isSigned: Bool) -> (sentence: Int, focus: Int) {
        var best = (sentence: 0, focus: 0, sum: -Float.infinity)
        var (start, word) = (0, 0)
        for (sentence, end) in text.sentenceEnds.enumerated() {
            var sum: Float = 0
            for index in start..<end { sum += weights[index] }
            var focus = (symbol: start, share: -Float.infinity)
            var hasWord = false
            while word < text.words.count, text.words[word].symbols.lowerBound < end {
                let symbols = text.words[word].symbols
                var share: Float = 0
                for index in symbols { share += weights[index] }
                if !isSigned, sum < 0 { share = -share }
                if share > focus.share { focus = (symbols.lowerBound, share) }
                hasWord = true
                word += 1
            }
            if hasWord || text.words.isEmpty {
                let size = isSigned ? sum : abs(sum)
                if size > best.sum { best = (sentence, focus.symbol, size) }
            }
            start = end
        }
        return (best.sentence, best.focus)
    }
}
