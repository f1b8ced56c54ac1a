/// What a model says of one text.
struct ModelScores {
    /// The probability of each emotion in the order of `Emotion.allCases`; they sum to 1.
    var emotions = SIMD8<Float>.zero
    /// The probability that the text is of the good kind.
    var positive: Float = 0.5

    /// Scores of the sums of a text's weights over its `count` features, and of its `rules`.
    init(sums: SIMD8<Int32>, count: Int, rules: SIMD16<Float>, by parameters: ModelParameters) {
        self.init(Self.logits(sums, of: count, rules: rules, by: parameters), leaning: parameters.leaning)
    }

    static func logits(
        _ sums: SIMD8<Int32>, of count: Int, rules: SIMD16<Float>, by parameters: ModelParameters
    ) -> SIMD8<Float> {
        var logits = mean(sums, of: count) * parameters.factors + parameters.offsets
        for (index, weights) in parameters.rules.enumerated() where rules[index] != 0 {
            logits += weights * rules[index]
        }
        return logits
    }

    init(_ logits: SIMD8<Float>, leaning: SIMD8<Float> = .zero) {
        positive = 1 / (1 + Exponential.of(-logits[ModelParameters.polarityLane]))
        let logits = logits + leaning * polarity
        var largest = logits[0]
        for lane in 1..<7 { largest = max(largest, logits[lane]) }
        var total: Float = 0
        for lane in 0..<7 {
            emotions[lane] = Exponential.of(logits[lane] - largest)
            total += emotions[lane]
        }
        emotions /= total
    }

    /// -1 (bad) ... 1 (good).
    var polarity: Float { 2 * positive - 1 }

    /// Sums grow with the length of a text, what they tell with its root.
    static func mean(_ sums: SIMD8<Int32>, of count: Int) -> SIMD8<Float> {
        SIMD8<Float>(sums) / Float(max(count, 1)).squareRoot()
    }

    /// Nothing below this polarity is joy.
    static let joyPolarityMin: Float = -0.3

    /// The emotion to file the text under: the most probable one by the weights of choice, joy only where the text is not
    /// bad; or neutral where even that one is less probable than the floor.
    func chosen(by parameters: ModelParameters) -> Int {
        let (joy, neutral) = (0, 6)
        var best = polarity < Self.joyPolarityMin ? joy + 1 : joy
        for lane in 1..<7
        where emotions[lane] * parameters.choice[lane] > emotions[best] * parameters.choice[best] { best = lane }
        return emotions[best] < parameters.floor ? neutral : best
    }
}
