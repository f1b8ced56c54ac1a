/// What decides a model's bytes, beside its data.
package struct TrainingOptions: Sendable {
    /// Rows of eight bytes: with header and notes just under 4,000,000 bytes.
    package var bucketCount: UInt32 = 499_712
    package var seed: UInt64 = 1
    /// In how many orders the texts are learned; the mean of what they give is less the doing of one order.
    package var orders = 4
    /// Tasks at once; the model does not depend on it.
    package var threads = 2
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
/// order of its documents, turns the weights into bytes, and calibrates these on the texts held out.
package struct ModelTrainer: Sendable {
    private let options: TrainingOptions
    private let report: @Sendable (TrainingProgress) -> Void

    private static let emotionOptions: HeadOptions = {
        var options = HeadOptions()
        (options.rate, options.shrinkage, options.smoothing) = (0.2, 2e-4, 30)
        return options
    }()

    private static let polarityOptions: HeadOptions = {
        var options = HeadOptions()
        (options.rate, options.shrinkage, options.smoothing, options.scale) = (0.1, 5e-5, 10, 4)
        (options.hearsRules, options.labelWeight) = (true, 0.05)
        (options.passes, options.omission) = (8, 0.4)
        return options
    }()

    package init(options: TrainingOptions, report: @escaping @Sendable (TrainingProgress) -> Void = { _ in }) {
        precondition(options.bucketCount > 0 && options.threads > 0 && options.orders > 0, "buckets, threads, orders")
        self.options = options
        self.report = report
    }

    /// The bytes of a model file, the same for the same data, options and program.
    package func train(_ data: TrainingData) async -> [UInt8] {
        let passes = (Self.emotionOptions.passes + Self.polarityOptions.passes) * options.orders
        let steps = StepCounter(total: data.development.isEmpty ? 2 + passes : 3 + 2 * passes, report: report)
        let corpus = await TrainingCorpus.fold(data.training, threads: options.threads)
        let development = await TrainingCorpus.fold(data.development, threads: options.threads)
        await steps.advance("folded \(corpus.documents.count) texts")
        let trial = await trainHeads(corpus, steps)
        let fitted = calibrate(trial, on: development)
        await steps.advance("calibrated on \(development.documents.count) texts")
        guard !data.development.isEmpty else {
            let file = ModelFile(bucketCount: options.bucketCount, parameters: fitted, notes: options.notes)
            return file.encode(weights: trial.weights)
        }
        // What was held out for that is learned too in the end; what it said of the trial holds for its like.
        let all = await TrainingCorpus.fold(data.training + data.development, threads: options.threads)
        let model = await trainHeads(all, steps)
        await steps.advance("learned all \(all.documents.count) texts")
        let parameters = zip(model.parameters, zip(trial.parameters, fitted)).map { own, other in
            own.calibrated(as: other.0, by: other.1)
        }
        let file = ModelFile(bucketCount: options.bucketCount, parameters: parameters, notes: options.notes)
        return file.encode(weights: model.weights)
    }

    private func trainHeads(_ corpus: TrainingCorpus, _ steps: StepCounter) async -> QuantizedModel {
        guard options.threads > 1 else {
            let emotions = await trainEmotions(corpus, steps)
            let polarity = await trainPolarity(corpus, steps)
            return QuantizedModel(emotions: emotions, polarity: polarity, bucketCount: options.bucketCount)
        }
        async let emotions = trainEmotions(corpus, steps)
        async let polarity = trainPolarity(corpus, steps)
        return await QuantizedModel(emotions: emotions, polarity: polarity, bucketCount: options.bucketCount)
    }

    private func trainEmotions(_ corpus: TrainingCorpus, _ steps: StepCounter) async -> LinearHead<SIMD8<Float>> {
        await train(
            corpus, Self.emotionOptions, corpus.documents.indices.filter { !corpus.documents[$0].emotions.isEmpty },
            steps, "emotions"
        ) {
            EmotionTarget.of($0.emotions)
        } gradient: { logits, document in
            var gradient = ModelScores(logits).emotions - EmotionTarget.of(document.emotions)
            gradient[ModelParameters.polarityLane] = 0
            return gradient
        }
    }

    private func trainPolarity(_ corpus: TrainingCorpus, _ steps: StepCounter) async -> LinearHead<SIMD2<Float>> {
        // Texts that several people judged are few and worth more: each pass reads them twice.
        let judged = corpus.documents.indices.filter { corpus.documents[$0].isJudged }
        return await train(corpus, Self.polarityOptions, Array(corpus.documents.indices) + judged, steps, "polarity") {
            SIMD2($0.goodness, 0)
        } gradient: { logits, document in
            SIMD2(1 / (1 + Exponential.of(-logits[0])) - document.goodness, 0)
        }
    }

    private func train<Lanes: SIMD & Sendable>(
        _ corpus: TrainingCorpus, _ head: HeadOptions, _ documents: [Int], _ steps: StepCounter, _ label: String,
        target: (TrainingCorpus.Document) -> Lanes, gradient: (Lanes, TrainingCorpus.Document) -> Lanes
    ) async -> LinearHead<Lanes> where Lanes.Scalar == Float {
        var start = LinearHead<Lanes>(options: head, bucketCount: options.bucketCount)
        start.scale(by: corpus, documents, target: target)
        var random = SeededGenerator(seed: options.seed)
        var trained: [LinearHead<Lanes>] = []
        for number in 0..<options.orders {
            var model = start
            for pass in 0..<head.passes {
                var order = documents
                random.shuffle(&order)
                let share = { (pass: Int) in head.rate * (1 - Float(pass) / Float(head.passes)) }
                model.pass(
                    over: corpus, order, rate: (share(pass), share(pass + 1)), omitting: random.next(),
                    gradient: gradient)
                await steps.advance(
                    "\(label), pass \(number * head.passes + pass + 1) of \(options.orders * head.passes)")
            }
            trained.append(model)
        }
        return LinearHead(averaging: trained)
    }

    /// For each language, whether ratings enough are known.
    private func isRated(_ corpus: TrainingCorpus) -> [Bool] {
        var counts = [Int](repeating: 0, count: ModelLanguage.allCases.count)
        var features = DocumentFeatures(bucketCount: options.bucketCount)
        for (index, document) in corpus.documents.enumerated() where document.isRating && document.isGood != nil {
            corpus.read(index, into: &features)
            counts[features.language.rawValue] += 1
        }
        return counts.map { $0 >= Calibration.samplesMin }
    }

    private func calibrate(_ model: QuantizedModel, on development: TrainingCorpus) -> [ModelParameters] {
        var samples = [[Calibration.Sample]](repeating: [], count: ModelLanguage.allCases.count)
        // Labels of emotions say whether a text is good only where there are no ratings.
        let isRated = isRated(development)
        var features = DocumentFeatures(bucketCount: options.bucketCount)
        for (index, document) in development.documents.enumerated() {
            development.read(index, into: &features)
            var sums = SIMD8<Int32>.zero
            for bucket in features.buckets {
                for lane in 0..<ModelParameters.lanes {
                    sums[lane] &+= Int32(model.weights[bucket * ModelParameters.lanes + lane])
                }
            }
            let parameters = model.parameters[features.language.rawValue]
            let logits = ModelScores.logits(
                sums, of: features.buckets.count, rules: document.rules, by: parameters)
            samples[features.language.rawValue].append(
                Calibration.Sample(
                    logits: logits, emotions: document.emotions,
                    isGood: document.isRating || !isRated[features.language.rawValue] ? document.isGood : nil))
        }
        let calibration = Calibration(seed: options.seed)
        return ModelLanguage.allCases.map {
            calibration.fit(model.parameters[$0.rawValue], to: samples[$0.rawValue])
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
