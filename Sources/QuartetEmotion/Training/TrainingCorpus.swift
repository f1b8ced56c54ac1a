/// Examples folded once, as the passes over them read them.
struct TrainingCorpus: Sendable {
    struct Document {
        let emotions: EmotionSet
        let goodness: Float
        /// Whether it is good, nil where it is neither good nor bad.
        let isGood: Bool?
        let isRating: Bool
        /// The sums of ``Valences``.
        let rules: SIMD16<Float>
        /// Whether its rating is the mean of several people's.
        let isJudged: Bool
    }

    private(set) var documents: [Document] = []
    private var symbols: [UInt8] = []
    private var symbolEnds: [Int] = [0]
    private var marks: [TextFeatures.Mark] = []
    private var markEnds: [Int] = [0]

    /// Folds `examples` with `threads` tasks; the outcome does not depend on how many.
    static func fold(_ examples: [TrainingExample], threads: Int) async -> TrainingCorpus {
        let chunk = max(1, (examples.count + threads - 1) / threads)
        return await withTaskGroup(of: (Int, TrainingCorpus).self) { group in
            for start in stride(from: 0, to: examples.count, by: chunk) {
                let part = examples[start..<min(start + chunk, examples.count)]
                group.addTask { (start, TrainingCorpus(folding: part)) }
            }
            var parts: [(Int, TrainingCorpus)] = []
            for await part in group { parts.append(part) }
            var corpus = TrainingCorpus()
            for (_, part) in parts.sorted(by: { $0.0 < $1.0 }) { corpus.append(part) }
            return corpus
        }
    }

    private init() {}

    private init(folding examples: ArraySlice<TrainingExample>) {
        var (text, evidence, valences) = (FoldedText(), Evidence(), Valences())
        for example in examples {
            text.fold(example.text.utf8.span)
            evidence.collect(from: text, by: .standard)
            for hit in evidence.hits { TextFeatures.appendMarks(of: hit, to: &marks) }
            valences.collect(from: text, example.text.utf8.span, by: .standard)
            for hit in valences.hits { TextFeatures.appendMarks(of: hit, in: text, to: &marks) }
            symbols += text.symbols
            symbolEnds.append(symbols.count)
            markEnds.append(marks.count)
            let isJudged = if case .valence = example.label { true } else { false }
            documents.append(
                Document(
                    emotions: example.emotions, goodness: example.goodness, isGood: example.isGood,
                    isRating: example.emotions.isEmpty,
                    rules: valences.sums(of: text, evidence), isJudged: isJudged))
        }
    }

    private mutating func append(_ part: TrainingCorpus) {
        let (symbolCount, markCount) = (symbols.count, marks.count)
        documents += part.documents
        symbols += part.symbols
        marks += part.marks
        symbolEnds += part.symbolEnds.dropFirst().map { $0 + symbolCount }
        markEnds += part.markEnds.dropFirst().map { $0 + markCount }
    }

    /// Reads the features of one document into `features`.
    func read(_ index: Int, into features: inout DocumentFeatures) {
        let symbols = symbols.span.extracting(symbolEnds[index]..<symbolEnds[index + 1])
        let marks = marks.span.extracting(markEnds[index]..<markEnds[index + 1])
        features.read(symbols, marks: marks)
    }
}

/// The buckets of one document's features; the buffer is kept for the next.
struct DocumentFeatures {
    let bucketCount: UInt32
    private(set) var buckets: [Int] = []
    private var text = TextFeatures()

    init(bucketCount: UInt32) {
        self.bucketCount = bucketCount
    }

    var language: ModelLanguage { text.language }

    /// What each feature counts in the document's score.
    var share: Float { 1 / Float(max(buckets.count, 1)).squareRoot() }

    /// Leaves this share of them out.
    mutating func omit(_ share: Double, by random: inout SeededGenerator) {
        let limit = UInt64(share * 0x1p32)
        buckets.removeAll { _ in random.next() >> 32 < limit }
    }

    mutating func read(_ symbols: Span<UInt8>, marks: Span<TextFeatures.Mark>) {
        text.prepare(symbols)
        var buckets = buckets
        self.buckets = []
        buckets.removeAll(keepingCapacity: true)
        let places = text.buckets(of: bucketCount)
        text.walk(symbols, marks: marks) { hash, _ in buckets.append(places.bucket(of: hash)) }
        self.buckets = buckets
    }
}
