package import QuartetCore

/// How often each emotion was chosen, meant and met. A text has one chosen emotion and may have several true ones: for
/// each emotion, a text is a hit where it was chosen and is among the true ones; macro-F1 is the plain mean of the F1 of
/// the seven.
package struct EmotionTable: Sendable {
    /// Rows are true emotions, columns chosen ones, in the order of `Emotion.allCases`; a text with several true ones
    /// counts in the row of the one that was met, else in each.
    package private(set) var confusion = [[Int]](repeating: [Int](repeating: 0, count: 7), count: 7)
    package private(set) var textCount = 0
    private var hits = SIMD8<Int32>.zero
    private var chosen = SIMD8<Int32>.zero
    private var truths = SIMD8<Int32>.zero

    package init() {}

    package mutating func add(chosen emotion: Emotion, truth: EmotionSet) {
        add(chosen: emotion.index, truth: truth)
        if truth.contains(EmotionSet(emotion)) {
            confusion[emotion.index][emotion.index] += 1
        } else {
            for missed in truth.emotions { confusion[missed.index][emotion.index] += 1 }
        }
    }

    /// The counts alone, for choosing parameters.
    mutating func add(chosen index: Int, truth: EmotionSet) {
        textCount += 1
        chosen[index] += 1
        for lane in 0..<7 where truth.rawValue >> UInt8(lane) & 1 == 1 {
            truths[lane] += 1
            if lane == index { hits[lane] += 1 }
        }
    }

    package func f1(_ emotion: Emotion) -> Double { f1(emotion.index) }

    private func f1(_ lane: Int) -> Double {
        let count = chosen[lane] + truths[lane]
        return count == 0 ? 0 : Double(2 * hits[lane]) / Double(count)
    }

    package func support(_ emotion: Emotion) -> Int { Int(truths[emotion.index]) }

    package var macroF1: Double { (0..<7).reduce(0) { $0 + f1($1) } / 7 }

    /// The share of texts whose chosen emotion is among the true ones.
    package var accuracy: Double {
        let met = (0..<7).reduce(0) { $0 + Int(hits[$1]) }
        return textCount == 0 ? 0 : Double(met) / Double(textCount)
    }
}

/// How far probabilities are from frequencies: the mean distance over bins of equal width, weighed by their texts.
package struct CalibrationError: Sendable {
    private static let bins = 15
    private var counts = [Int](repeating: 0, count: bins)
    private var probabilities = [Double](repeating: 0, count: bins)
    private var right = [Int](repeating: 0, count: bins)

    package init() {}

    /// `probability` is what the answer was given, `isRight` whether it was true.
    package mutating func add(probability: Double, isRight: Bool) {
        let bin = min(max(Int(probability * Double(Self.bins)), 0), Self.bins - 1)
        counts[bin] += 1
        probabilities[bin] += probability
        if isRight { right[bin] += 1 }
    }

    package var value: Double {
        let total = counts.reduce(0, +)
        guard total > 0 else { return 0 }
        return counts.indices.reduce(0.0) { $0 + abs(probabilities[$1] - Double(right[$1])) } / Double(total)
    }
}
