/// What turns the sums of a model's weights into scores, for one language.
struct ModelParameters: Hashable, Sendable {
    /// The six emotions and neutral in the order of `Emotion.allCases`, then polarity.
    static let lanes = 8
    static let polarityLane = 7
    /// How many sums ``Valences`` gives.
    static let rules = 16
    static let floats = (4 + rules) * lanes

    /// Multiplies each lane's mean weight: the step of its quantisation and its temperature in one.
    var factors = SIMD8<Float>(repeating: 1)
    /// Added to it: the bias, moved so that scores are probabilities.
    var offsets = SIMD8<Float>.zero
    /// What each emotion's probability is multiplied by before the largest is chosen; rare ones above 1, because a card
    /// is judged by every emotion alike. The last lane is the floor below which the chosen one becomes neutral.
    var choice = SIMD8<Float>(1, 1, 1, 1, 1, 1, 1, 0)

    /// What a polarity of 1 adds to each emotion, and one of -1 takes from it: ratings tell good from bad where texts
    /// labelled with emotions are few.
    var leaning = SIMD8<Float>.zero

    /// What each of the sums of ``Valences`` adds to the emotions and to polarity.
    var rules = [SIMD8<Float>](repeating: .zero, count: rules)

    init() {}

    init(floats: some Collection<Float>) {
        precondition(floats.count == Self.floats, "vectors of eight")
        let values = Array(floats)
        factors = SIMD8(values[0..<8])
        offsets = SIMD8(values[8..<16])
        choice = SIMD8(values[16..<24])
        leaning = SIMD8(values[24..<32])
        rules = (4..<4 + Self.rules).map { SIMD8(values[$0 * Self.lanes..<($0 + 1) * Self.lanes]) }
    }

    var floats: [Float] {
        ([factors, offsets, choice, leaning] + rules).flatMap { vector in (0..<8).map { vector[$0] } }
    }

    /// These, calibrated as those of a like model were: `trained` before, `fitted` behind.
    func calibrated(as trained: ModelParameters, by fitted: ModelParameters) -> ModelParameters {
        var result = fitted
        let slopes = fitted.factors / trained.factors
        result.factors = factors * slopes
        result.offsets = offsets * slopes + (fitted.offsets - trained.offsets * slopes)
        result.rules = rules.map { $0 * slopes }
        return result
    }

    var floor: Float {
        get { choice[Self.polarityLane] }
        set { choice[Self.polarityLane] = newValue }
    }
}
