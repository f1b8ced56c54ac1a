/// A linear model in training: a vector of weights for each bucket, AdaGrad over one document at a time.
///
/// Each bucket is scaled by how well it tells the classes apart (the log of its naive Bayes ratio, smoothed), as in Wang
/// and Manning, "Baselines and Bigrams", 2012: features that are rare or everywhere learn slowly.
struct LinearHead<Lanes: SIMD & Sendable>: Sendable where Lanes.Scalar == Float {
    let options: HeadOptions
    private let bucketCount: Int
    private var weights: [Lanes]
    /// Sums of squared gradients.
    private var squares: [Lanes]
    private var scales: [Lanes]
    private var biases = [Lanes](repeating: .zero, count: ModelLanguage.allCases.count)
    private var biasSquares = [Lanes](
        repeating: Lanes(repeating: HeadOptions.squareMin), count: ModelLanguage.allCases.count)

    /// The weights of a document's rules, for each language.
    private var rules = [Lanes](repeating: .zero, count: ModelLanguage.allCases.count * ModelParameters.rules)
    private var ruleSquares = [Lanes](
        repeating: Lanes(repeating: HeadOptions.squareMin),
        count: ModelLanguage.allCases.count * ModelParameters.rules)

    init(options: HeadOptions, bucketCount: UInt32) {
        self.options = options
        self.bucketCount = Int(bucketCount)
        weights = Array(repeating: .zero, count: self.bucketCount)
        squares = Array(repeating: Lanes(repeating: HeadOptions.squareMin), count: self.bucketCount)
        scales = Array(repeating: .zero, count: self.bucketCount)
    }

    /// The mean of heads that were trained on the same data in different orders.
    init(averaging heads: [LinearHead]) {
        self = heads[0]
        let share = 1 / Float(heads.count)
        for index in weights.indices { weights[index] = heads.reduce(Lanes.zero) { $0 + $1.weights[index] } * share }
        for index in biases.indices { biases[index] = heads.reduce(Lanes.zero) { $0 + $1.biases[index] } * share }
        for index in rules.indices { rules[index] = heads.reduce(Lanes.zero) { $0 + $1.rules[index] } * share }
    }

    /// The bias of a language.
    func bias(_ language: ModelLanguage) -> Lanes { biases[language.rawValue] }

    /// The weight of each rule in a language.
    func rules(_ language: ModelLanguage) -> [Lanes] {
        Array(rules[language.rawValue * ModelParameters.rules..<(language.rawValue + 1) * ModelParameters.rules])
    }

    /// The weight that a feature in `bucket` adds, before the document's share.
    func weight(_ bucket: Int) -> Lanes { weights[bucket] * scales[bucket] }

    func scale(_ bucket: Int) -> Lanes { scales[bucket] }

    /// Scales the buckets by what `documents` show. `target` gives the share of each class in a document.
    mutating func scale(by corpus: TrainingCorpus, _ documents: [Int], target: (TrainingCorpus.Document) -> Lanes) {
        var counts = [Lanes](repeating: .zero, count: bucketCount)
        var all = [Float](repeating: 0, count: bucketCount)
        var last = [Int32](repeating: -1, count: bucketCount)
        // By language, whose buckets are its own: another one's share of good texts says nothing there.
        var total = [Lanes](repeating: .zero, count: ModelLanguage.allCases.count)
        var number = [Float](repeating: 0, count: ModelLanguage.allCases.count)
        var features = DocumentFeatures(bucketCount: UInt32(bucketCount))
        for document in documents {
            corpus.read(document, into: &features)
            let weight = options.weight(of: corpus.documents[document])
            let target = target(corpus.documents[document]) * weight
            number[features.language.rawValue] += weight
            total[features.language.rawValue] += target
            for bucket in features.buckets where last[bucket] != Int32(document) {
                last[bucket] = Int32(document)
                counts[bucket] += target
                all[bucket] += weight
            }
        }
        let english = TextFeatures.buckets(of: .english, count: UInt32(bucketCount))
        for bucket in 0..<bucketCount where all[bucket] > 0 {
            let language = (english.contains(bucket) ? ModelLanguage.english : .korean).rawValue
            let (total, number) = (total[language], number[language])
            for lane in 0..<Lanes.scalarCount where total[lane] > 0 && total[lane] < number {
                let prior = total[lane] / number
                let within = (counts[bucket][lane] + options.smoothing * prior) / total[lane]
                let without =
                    (all[bucket] - counts[bucket][lane] + options.smoothing * (1 - prior)) / (number - total[lane])
                scales[bucket][lane] = options.scale * abs(NaturalLogarithm.of(within / max(without, 1e-12)))
            }
        }
    }

    /// One pass over `documents` in their order. `rate` is the learning rate at the start of the pass and at its end;
    /// `gradient` turns scores into the gradient of the loss.
    mutating func pass(
        over corpus: TrainingCorpus, _ documents: [Int], rate: (start: Float, end: Float), omitting seed: UInt64,
        gradient: (Lanes, TrainingCorpus.Document) -> Lanes
    ) {
        var features = DocumentFeatures(bucketCount: UInt32(bucketCount))
        let step = (rate.end - rate.start) / Float(max(documents.count, 1))
        var random = SeededGenerator(seed: seed)
        weights.withUnsafeMutableBufferPointer { weights in
            squares.withUnsafeMutableBufferPointer { squares in
                scales.withUnsafeBufferPointer { scales in
                    for (place, document) in documents.enumerated() {
                        corpus.read(document, into: &features)
                        if options.omission > 0, features.language == .english {
                            features.omit(options.omission, by: &random)
                        }
                        let (language, share) = (features.language.rawValue, features.share)
                        var sum = Lanes.zero
                        for bucket in features.buckets { sum += weights[bucket] * scales[bucket] }
                        sum = sum * share + biases[language]
                        let rate = rate.start + step * Float(place)
                        let (known, first) = (corpus.documents[document].rules, language * ModelParameters.rules)
                        for rule in 0..<ModelParameters.rules { sum += rules[first + rule] * known[rule] }
                        let weight = options.weight(of: corpus.documents[document])
                        let slope = gradient(sum, corpus.documents[document]) * weight
                        for rule in 0..<ModelParameters.rules where known[rule] != 0 {
                            let pull = slope * known[rule]
                            ruleSquares[first + rule] += pull * pull
                            rules[first + rule] -= rate * pull / ruleSquares[first + rule].squareRoot()
                        }
                        biasSquares[language] += slope * slope
                        biases[language] -= rate * slope / biasSquares[language].squareRoot()
                        for bucket in features.buckets {
                            let pull = slope * (share * scales[bucket]) + options.shrinkage * weights[bucket]
                            squares[bucket] += pull * pull
                            weights[bucket] -= rate * pull / squares[bucket].squareRoot()
                        }
                    }
                }
            }
        }
    }
}

/// How a head is trained.
struct HeadOptions: Sendable {
    /// Where sums of squared gradients begin.
    static let squareMin: Float = 1e-6

    var passes = 5
    /// The learning rate of the first step; it falls to 0 in a line.
    var rate: Float = 0.1
    /// L2, applied where a document has the feature.
    var shrinkage: Float = 1e-5
    /// Documents assumed beside those seen, split as the classes are.
    var smoothing: Float = 10
    var scale: Float = 1
    /// What a text counts that is known by its emotions alone.
    var labelWeight: Float = 1
    /// What share of an English text's features a step leaves out, at random: those that remain learn to do without, as on
    /// texts of another kind. Korean ratings are many enough.
    var omission = 0.0

    func weight(of document: TrainingCorpus.Document) -> Float { document.isRating ? 1 : labelWeight }
}
