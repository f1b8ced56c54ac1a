/// What decides a model's bytes, beside its data.
package struct TrainingOptions: Sendable {
    /// Rows of eight bytes: with header and notes just under 4,000,000 bytes.
    package var bucketCount: UInt32 = 499_712
    package var seed: UInt64 = 1
    /// In how many orders the texts are learned; the mean of what they give is less the doing of one order.
    package var orders = 4
    /// Of the labelled texts, each read by a model of the others, to choose by; with 0 what is held out is chosen by.
    package var parts = 4
    /// Tasks at once; the model does not depend on it.
    package var threads = 2
    /// A language of which there are hardly any texts stays as it is here.
    package var base: EmotionModel?
    /// What the file says of itself: the data's licence and source, a line each.
    package var notes = ""

    package init() {}
}

/// How far training is.
package struct TrainingProgress: Sendable {
    package let done: Int
    package let total: Int
    package let note: String
}

/// Trains a model: folds the texts, trains one head for emotions and one for polarity at the same time, each by a seeded
/// order of its documents, turns the weights into bytes, and calibrates these on the texts held out. The weights of choice
/// are chosen on all labelled texts, each read by a model that has not learned it: rare emotions are too few otherwise.
package struct ModelTrainer: Sendable {
    private let options: TrainingOptions
    private let report: @Sendable (TrainingProgress) -> Void

    private static let emotionOptions: HeadOptions = {
        var options = HeadOptions()
        (options.rate, options.shrinkage, options.smoothing) = (0.2, 2e-4, 30)
        (options.passes, options.omission) = (8, 0.4)
        return options
    }()

    private static let polarityOptions: HeadOptions = {
        var options = HeadOptions()
        (options.rate, options.shrinkage, options.smoothing, options.scale) = (0.1, 5e-5, 10, 4)
        (options.labelWeight, options.passes, options.omission) = (0.05, 10, 0.5)
        return options
    }()

    package init(options: TrainingOptions, report: @escaping @Sendable (TrainingProgress) -> Void = { _ in }) {
        precondition(options.bucketCount > 0 && options.threads > 0 && options.orders > 0, "buckets, threads, orders")
        self.options = options
        self.report = report
    }

    /// The bytes of a model file, the same for the same data, options and program.
    package func train(_ data: TrainingData) async -> [UInt8] {
        let passes = Self.emotionOptions.passes + Self.polarityOptions.passes
        let total = data.development.isEmpty ? 2 : 4 + passes * (options.orders + options.parts)
        let steps = StepCounter(total: total + passes * options.orders, report: report)
        let corpus = await TrainingCorpus.fold(data.training, threads: options.threads)
        let development = await TrainingCorpus.fold(data.development, threads: options.threads)
        await steps.advance("folded \(corpus.documents.count) texts")
        let trial = await trainHeads(corpus, orders: options.orders, steps)
        var fitted = calibrate(trial, on: development)
        await steps.advance("calibrated on \(development.documents.count) texts")
        guard !data.development.isEmpty else {
            return encode(trial.weights, fitted, of: corpus)
        }
        let calibrated = await scoreParts(of: corpus, as: trial.parameters, by: fitted, steps)
        for language in ModelLanguage.allCases {
            fitted[language.rawValue] = Calibration(seed: options.seed)
                .choosing(fitted[language.rawValue], on: calibrated[language.rawValue])
        }
        await steps.advance("chosen on \(calibrated.reduce(0) { $0 + $1.count }) texts")
        // What was held out for that is learned too in the end; what it said of the trial holds for its like.
        let all = await TrainingCorpus.fold(data.training + data.development, threads: options.threads)
        let model = await trainHeads(all, orders: options.orders, steps)
        await steps.advance("learned all \(all.documents.count) texts")
        let parameters = zip(model.parameters, zip(trial.parameters, fitted)).map { own, other in
            own.calibrated(as: other.0, by: other.1)
        }
        return encode(model.weights, parameters, of: all)
    }

    /// The model file; a language that `corpus` hardly has comes from the base.
    private func encode(_ weights: [Int8], _ parameters: [ModelParameters], of corpus: TrainingCorpus) -> [UInt8] {
        var (weights, parameters) = (weights, parameters)
        if let base = options.base, base.bucketCount == options.bucketCount {
            let counts = textCounts(of: corpus)
            for language in ModelLanguage.allCases where counts[language.rawValue] < Calibration.samplesMin {
                parameters[language.rawValue] = base.parameters[language.rawValue]
                let buckets = TextFeatures.buckets(of: language, count: base.bucketCount)
                let bytes = buckets.lowerBound * ModelParameters.lanes..<buckets.upperBound * ModelParameters.lanes
                base.withRows { rows in
                    for byte in bytes { weights[byte] = rows.load(fromByteOffset: byte, as: Int8.self) }
                }
            }
        }
        let file = ModelFile(bucketCount: options.bucketCount, parameters: parameters, notes: options.notes)
        return file.encode(weights: weights)
    }

    /// For each language, how many texts `corpus` has that pass.
    private func textCounts(
        of corpus: TrainingCorpus, where passes: (TrainingCorpus.Document) -> Bool = { _ in true }
    ) -> [Int] {
        var counts = [Int](repeating: 0, count: ModelLanguage.allCases.count)
        var features = DocumentFeatures(bucketCount: options.bucketCount)
        for (index, document) in corpus.documents.enumerated() where passes(document) {
            corpus.read(index, into: &features)
            counts[features.language.rawValue] += 1
        }
        return counts
    }

    /// Trains on all documents but the labelled ones of a part, if one is named.
    private func trainHeads(
        _ corpus: TrainingCorpus, orders: Int, leavingOut part: Int? = nil, _ steps: StepCounter
    ) async -> QuantizedModel {
        let documents = corpus.documents.indices.filter { part == nil || self.part(of: $0, in: corpus) != part }
        guard options.threads > 1 else {
            let emotions = await trainEmotions(corpus, documents, orders: orders, steps)
            let polarity = await trainPolarity(corpus, documents, orders: orders, steps)
            return QuantizedModel(emotions: emotions, polarity: polarity, bucketCount: options.bucketCount)
        }
        async let emotions = trainEmotions(corpus, documents, orders: orders, steps)
        async let polarity = trainPolarity(corpus, documents, orders: orders, steps)
        return await QuantizedModel(emotions: emotions, polarity: polarity, bucketCount: options.bucketCount)
    }

    /// Nil for a text without labels.
    private func part(of index: Int, in corpus: TrainingCorpus) -> Int? {
        corpus.documents[index].emotions.isEmpty ? nil : index % max(options.parts, 1)
    }

    private func trainEmotions(
        _ corpus: TrainingCorpus, _ documents: [Int], orders: Int, _ steps: StepCounter
    ) async -> LinearHead<SIMD8<Float>> {
        await train(
            corpus, Self.emotionOptions, documents.filter { !corpus.documents[$0].emotions.isEmpty }, orders: orders,
            steps, "emotions"
        ) {
            EmotionTarget.of($0.emotions)
        } gradient: { logits, document in
            var gradient = ModelScores(logits).emotions - EmotionTarget.of(document.emotions)
            gradient[ModelParameters.polarityLane] = 0
            return gradient
        }
    }

    private func trainPolarity(
        _ corpus: TrainingCorpus, _ documents: [Int], orders: Int, _ steps: StepCounter
    ) async -> LinearHead<SIMD2<Float>> {
        // Texts that several people judged are few and worth more: each pass reads them twice.
        let judged = documents.filter { corpus.documents[$0].isJudged }
        return await train(
            corpus, Self.polarityOptions, documents + judged, orders: orders, steps, "polarity"
        ) {
            SIMD2($0.goodness, 0)
        } gradient: { logits, document in
            SIMD2(1 / (1 + Exponential.of(-logits[0])) - document.goodness, 0)
        }
    }

    private func train<Lanes: SIMD & Sendable>(
        _ corpus: TrainingCorpus, _ head: HeadOptions, _ documents: [Int], orders: Int, _ steps: StepCounter,
        _ label: String,
        target: (TrainingCorpus.Document) -> Lanes, gradient: (Lanes, TrainingCorpus.Document) -> Lanes
    ) async -> LinearHead<Lanes> where Lanes.Scalar == Float {
        var start = LinearHead<Lanes>(options: head, bucketCount: options.bucketCount)
        start.scale(by: corpus, documents, target: target)
        var random = SeededGenerator(seed: options.seed)
        var trained: [LinearHead<Lanes>] = []
        for number in 0..<orders {
            var model = start
            for pass in 0..<head.passes {
                var order = documents
                random.shuffle(&order)
                let share = { (pass: Int) in head.rate * (1 - Float(pass) / Float(head.passes)) }
                model.pass(
                    over: corpus, order, rate: (share(pass), share(pass + 1)), omitting: random.next(),
                    gradient: gradient)
                await steps.advance(
                    "\(label), pass \(number * head.passes + pass + 1) of \(orders * head.passes)")
            }
            trained.append(model)
        }
        return LinearHead(averaging: trained)
    }

    /// For each language, whether ratings enough are known.
    private func isRated(_ corpus: TrainingCorpus) -> [Bool] {
        textCounts(of: corpus) { $0.isRating && $0.isGood != nil }.map { $0 >= Calibration.samplesMin }
    }

    private func calibrate(_ model: QuantizedModel, on development: TrainingCorpus) -> [ModelParameters] {
        var samples = [[Calibration.Sample]](repeating: [], count: ModelLanguage.allCases.count)
        // Labels of emotions say whether a text is good only where there are no ratings.
        let isRated = isRated(development)
        score(Array(development.documents.indices), of: development, by: model, model.parameters) {
            language, document, logits in
            samples[language.rawValue].append(
                Calibration.Sample(
                    logits: logits, emotions: document.emotions,
                    isGood: document.isRating || !isRated[language.rawValue] ? document.isGood : nil))
        }
        let calibration = Calibration(seed: options.seed)
        return ModelLanguage.allCases.map {
            calibration.fit(model.parameters[$0.rawValue], to: samples[$0.rawValue])
        }
    }

    /// Every labelled text of `corpus`, by language, as a model scores it that has not learned it and is calibrated as the
    /// trial was.
    private func scoreParts(
        of corpus: TrainingCorpus, as trained: [ModelParameters], by fitted: [ModelParameters], _ steps: StepCounter
    ) async -> [[Calibration.Scored]] {
        var scored = [[Calibration.Scored]](repeating: [], count: ModelLanguage.allCases.count)
        for part in 0..<options.parts {
            let model = await trainHeads(corpus, orders: 1, leavingOut: part, steps)
            let parameters = ModelLanguage.allCases.map {
                model.parameters[$0.rawValue].calibrated(as: trained[$0.rawValue], by: fitted[$0.rawValue])
            }
            let documents = corpus.documents.indices.filter { self.part(of: $0, in: corpus) == part }
            score(documents, of: corpus, by: model, parameters) { language, document, logits in
                let scores = ModelScores(logits, leaning: parameters[language.rawValue].leaning)
                scored[language.rawValue].append((scores, document.emotions))
            }
        }
        return scored
    }

    /// Has `visit` see the logits of each of these documents.
    private func score(
        _ documents: [Int], of corpus: TrainingCorpus, by model: QuantizedModel, _ parameters: [ModelParameters],
        _ visit: (ModelLanguage, TrainingCorpus.Document, SIMD8<Float>) -> Void
    ) {
        var features = DocumentFeatures(bucketCount: options.bucketCount)
        for index in documents {
            corpus.read(index, into: &features)
            var sums = SIMD8<Int32>.zero
            for bucket in features.buckets {
                for lane in 0..<ModelParameters.lanes {
                    sums[lane] &+= Int32(model.weights[bucket * ModelParameters.lanes + lane])
                }
            }
            let logits = ModelScores.logits(
                sums, of: features.buckets.count, rules: corpus.documents[index].rules,
                by: parameters[features.language.rawValue])
            visit(features.language, corpus.documents[index], logits)
        }
    }
}

/// Counts the steps of tasks that run at the same time.
private actor StepCounter {
    private var done = 0
    private let total: Int
    private let report: @Sendable (TrainingProgress) -> Void

    init(total: Int, report: @escaping @Sendable (TrainingProgress) -> Void) {
        (self.total, self.report) = (total, report)
    }

    func advance(_ note: String) {
        done += 1
        report(TrainingProgress(done: done, total: total, note: note))
    }
}
