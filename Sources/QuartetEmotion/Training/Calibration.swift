import QuartetCore

/// Fits what stands between a model's logits and its answers on texts held out of training, for each language: Platt's
/// line for polarity; one temperature, an offset and a leaning on polarity per emotion so that scores are probabilities;
/// the weights of choice; and the floor below which a text is neutral.
struct Calibration {
    /// A held-out text: the trained logits and what people said.
    struct Sample: Sendable {
        let logits: SIMD8<Float>
        let emotions: EmotionSet
        /// Whether it is good, nil where it is neither good nor bad.
        let isGood: Bool?
    }

    /// With fewer texts the parameters stay as they were trained.
    static let samplesMin = 200
    private static let steps = 400
    private static let rounds = 3
    private static let resamples = 12
    /// What raising the floor may cost in macro-F1.
    private static let floorCostMax = 0.002

    let seed: UInt64

    func fit(_ parameters: ModelParameters, to samples: [Sample]) -> ModelParameters {
        var fitted = parameters
        let polarityLane = ModelParameters.polarityLane
        let decided = samples.compactMap { sample in
            sample.isGood.map { (logit: sample.logits[polarityLane], isGood: $0) }
        }
        var (polaritySlope, polarityOffset, slopes) = (Float(1), Float(0), SIMD8<Float>(repeating: 1))
        if decided.count >= Self.samplesMin {
            (polaritySlope, polarityOffset) = Self.fitPolarity(decided)
            fitted.factors[polarityLane] *= polaritySlope
            slopes[polarityLane] = polaritySlope
            fitted.offsets[polarityLane] = fitted.offsets[polarityLane] * polaritySlope + polarityOffset
        }
        let labelled = samples.filter { !$0.emotions.isEmpty }.map { sample in
            var logits = sample.logits
            logits[polarityLane] = logits[polarityLane] * polaritySlope + polarityOffset
            return Sample(logits: logits, emotions: sample.emotions, isGood: sample.isGood)
        }
        if labelled.count >= Self.samplesMin {
            let emotions = Self.fitEmotions(labelled)
            fitted.factors = fitted.factors * emotions.slopes
            slopes *= emotions.slopes
            fitted.offsets = fitted.offsets * emotions.slopes + emotions.offsets
            fitted.leaning = emotions.leaning
            let scored = labelled.map { (scores: emotions.scores(of: $0.logits), truth: $0.emotions) }
            fitted = choosing(fitted, on: scored)
        }
        fitted.rules = fitted.rules.map { $0 * slopes }
        return fitted
    }

    /// The same with the weights of choice and the floor that are best of `scored`, where there are enough.
    func choosing(_ parameters: ModelParameters, on scored: [Scored]) -> ModelParameters {
        guard scored.count >= Self.samplesMin else { return parameters }
        var chosen = parameters
        chosen.choice = choose(scored)
        chosen.floor = Self.floor(scored, chosen)
        return chosen
    }

    /// What turns trained logits into those of probabilities; the lane of polarity is let be.
    private struct EmotionFit {
        var slope: Float = 1
        var offsets = SIMD8<Float>.zero
        var leaning = SIMD8<Float>.zero

        var slopes: SIMD8<Float> {
            var slopes = SIMD8<Float>(repeating: slope)
            slopes[ModelParameters.polarityLane] = 1
            return slopes
        }

        func scores(of logits: SIMD8<Float>) -> ModelScores {
            ModelScores(logits * slopes + offsets, leaning: leaning)
        }
    }

    /// Gradient descent for the probability that the emotion is among the true ones: where a text has several, those share
    /// the whole as the model shares it.
    private static func fitEmotions(_ samples: [Sample]) -> EmotionFit {
        var fit = EmotionFit()
        for _ in 0..<steps {
            var (slopeGradient, gradient, leaningGradient) = (Float(0), SIMD8<Float>.zero, SIMD8<Float>.zero)
            for sample in samples {
                let scores = fit.scores(of: sample.logits)
                var met = scores.emotions * EmotionTarget.members(of: sample.emotions)
                met /= max(met.sum(), 1e-9)
                let difference = scores.emotions - met
                gradient += difference
                leaningGradient += difference * scores.polarity
                for lane in 0..<7 { slopeGradient += difference[lane] * sample.logits[lane] }
            }
            fit.slope = max(0.05, fit.slope - 0.1 * slopeGradient / Float(samples.count))
            fit.offsets -= gradient / Float(samples.count)
            fit.leaning -= leaningGradient / Float(samples.count)
        }
        return fit
    }

    private static func fitPolarity(_ samples: [(logit: Float, isGood: Bool)]) -> (slope: Float, offset: Float) {
        var (slope, offset) = (Float(1), Float(0))
        for _ in 0..<steps {
            var (slopeGradient, gradient) = (Float(0), Float(0))
            for sample in samples {
                var logits = SIMD8<Float>.zero
                logits[ModelParameters.polarityLane] = sample.logit * slope + offset
                let difference = ModelScores(logits).positive - (sample.isGood ? 1 : 0)
                gradient += difference
                slopeGradient += difference * sample.logit
            }
            slope = max(0.05, slope - 0.2 * slopeGradient / Float(samples.count))
            offset -= gradient / Float(samples.count)
        }
        return (slope, offset)
    }

    /// A text as a calibrated model scores it, and what people said.
    typealias Scored = (scores: ModelScores, truth: EmotionSet)

    /// The weights of choice with the best macro-F1: climbed to on several resamples of the texts and averaged, because
    /// the best of one sample fits its rare emotions too closely.
    private func choose(_ samples: [Scored]) -> SIMD8<Float> {
        var random = SeededGenerator(seed: seed)
        var sum = SIMD8<Float>.zero
        for _ in 0..<Self.resamples {
            let drawn = samples.map { _ in samples[random.below(samples.count)] }
            var logarithms = Self.climb(drawn)
            var mean: Float = 0
            for lane in 0..<7 { mean += logarithms[lane] / 7 }
            for lane in 0..<7 { logarithms[lane] -= mean }
            sum += logarithms
        }
        var choice = SIMD8<Float>.zero
        for lane in 0..<7 { choice[lane] = Exponential.of(sum[lane] / Float(Self.resamples)) }
        return choice
    }

    /// Logarithms of weights, changed one at a time while macro-F1 grows.
    private static func climb(_ samples: [Scored]) -> SIMD8<Float> {
        var (best, logarithms) = (0.0, SIMD8<Float>.zero)
        for _ in 0..<rounds {
            for lane in 0..<7 {
                for factor: Float in [1, 0.6, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.3, 1.5, 1.8] {
                    var tried = logarithms
                    tried[lane] += NaturalLogarithm.of(factor)
                    var parameters = ModelParameters()
                    for lane in 0..<7 { parameters.choice[lane] = Exponential.of(tried[lane]) }
                    let reached = macroF1(samples, parameters)
                    if reached > best + 1e-9 { (best, logarithms) = (reached, tried) }
                }
            }
        }
        return logarithms
    }

    /// The highest floor that costs next to nothing.
    private static func floor(_ samples: [Scored], _ fitted: ModelParameters) -> Float {
        var parameters = fitted
        parameters.floor = 0
        let reached = macroF1(samples, parameters)
        var floor: Float = 0
        for percent in 10...35 {
            parameters.floor = Float(percent) / 100
            if macroF1(samples, parameters) < reached - floorCostMax { break }
            floor = parameters.floor
        }
        return floor
    }

    private static func macroF1(_ samples: [Scored], _ parameters: ModelParameters) -> Double {
        var table = EmotionTable()
        for sample in samples { table.add(chosen: sample.scores.chosen(by: parameters), truth: sample.truth) }
        return table.macroF1
    }
}

/// What a model is to answer: the emotions that people saw share the whole.
enum EmotionTarget {
    static func of(_ set: EmotionSet) -> SIMD8<Float> {
        members(of: set) / Float(max(set.rawValue.nonzeroBitCount, 1))
    }

    /// 1 for each emotion of the set.
    static func members(of set: EmotionSet) -> SIMD8<Float> {
        var members = SIMD8<Float>.zero
        for lane in 0..<7 where set.rawValue >> UInt8(lane) & 1 == 1 { members[lane] = 1 }
        return members
    }
}
