/// The six emotions of Ekman, and none of them. Raw values are the public names; the order is the order of scores.
package enum Emotion: String, CaseIterable, Sendable, Codable, Hashable {
    case joy, sadness, anger, fear, disgust, surprise, neutral

    package var index: Int {
        switch self {
        case .joy: 0
        case .sadness: 1
        case .anger: 2
        case .fear: 3
        case .disgust: 4
        case .surprise: 5
        case .neutral: 6
        }
    }
}

/// A number of -1...1 kept in ten-thousandths: sums of it are exact, so that a fold does not depend on the order of its
/// cards.
package struct Fraction: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let scale = 10_000
    package let tenThousandths: Int32

    package init(tenThousandths: Int32) {
        self.tenThousandths = min(max(tenThousandths, -10_000), 10_000)
    }

    /// The nearest fraction; values beyond -1...1 are clamped, not-a-number is 0.
    package init(_ value: Double) {
        self.init(tenThousandths: value.isFinite ? Int32((min(max(value, -1), 1) * 10_000).rounded()) : 0)
    }

    package var value: Double { Double(tenThousandths) / 10_000 }
    package var description: String { "\(value)" }

    package static func < (left: Fraction, right: Fraction) -> Bool { left.tenThousandths < right.tenThousandths }
}

/// One score of 0...1 per emotion, in the order of `Emotion.allCases`.
package struct EmotionScores: Hashable, Sendable {
    private var storage: InlineArray<7, Int32>

    package init() {
        storage = InlineArray(repeating: 0)
    }

    package subscript(emotion: Emotion) -> Fraction {
        get { Fraction(tenThousandths: storage[emotion.index]) }
        set { storage[emotion.index] = max(0, newValue.tenThousandths) }
    }

    /// The emotion with the largest score; the earlier one in `Emotion.allCases` where two are equal.
    package var strongest: Emotion {
        var best = Emotion.joy
        for emotion in Emotion.allCases where storage[emotion.index] > storage[best.index] { best = emotion }
        return best
    }

    package static func == (left: EmotionScores, right: EmotionScores) -> Bool {
        left.storage.indices.allSatisfy { left.storage[$0] == right.storage[$0] }
    }

    package func hash(into hasher: inout Hasher) {
        for index in storage.indices { hasher.combine(storage[index]) }
    }
}
