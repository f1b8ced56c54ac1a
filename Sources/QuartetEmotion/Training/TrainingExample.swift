package import QuartetCore

/// A set of emotions, as people labelled a text: a text may have several.
package struct EmotionSet: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package init(_ emotion: Emotion) {
        rawValue = 1 << UInt8(emotion.index)
    }

    package var emotions: [Emotion] { Emotion.allCases.filter { contains(EmotionSet($0)) } }
}

/// A text with what is known of it.
package struct TrainingExample: Sendable, Hashable {
    package enum Label: Sendable, Hashable {
        /// 1...10; 1...4 is bad, 9 and 10 are good, what lies between is neither.
        case rating(Int)
        /// 1...10, the mean of what several people found; 1...4 is bad, 7...10 is good.
        case valence(Int)
        case emotions(EmotionSet)
    }

    package let text: String
    package let label: Label

    package init(text: String, label: Label) {
        (self.text, self.label) = (text, label)
    }

    private static let goodnessOfValences: [Float] = [0, 0.03, 0.08, 0.2, 0.4, 0.6, 0.8, 0.92, 0.97, 1]

    /// Whether the text is good, nil where people found it neither good nor bad.
    var isGood: Bool? {
        switch label {
        case .rating(let rating): rating >= 9 ? true : rating <= 4 ? false : nil
        case .valence(let valence): valence >= 7 ? true : valence <= 4 ? false : nil
        case .emotions: goodness == 1 ? true : goodness == 0 ? false : nil
        }
    }

    /// How good the text is, 0...1.
    var goodness: Float {
        switch label {
        case .rating(let rating):
            return switch rating {
            case ...4: 0
            case 5: 0.2
            case 6: 0.35
            case 7: 0.6
            case 8: 0.85
            default: 1
            }
        case .valence(let valence): return Self.goodnessOfValences[max(1, min(valence, 10)) - 1]
        case .emotions(let set):
            let parts = set.emotions.map { emotion -> Float in
                switch emotion {
                case .joy: 1
                case .neutral, .surprise: 0.5
                case .sadness, .anger, .fear, .disgust: 0
                }
            }
            return parts.isEmpty ? 0.5 : parts.reduce(0, +) / Float(parts.count)
        }
    }

    var emotions: EmotionSet {
        if case .emotions(let set) = label { set } else { [] }
    }
}

/// What a model is trained on, and what its calibration is chosen on. No test text belongs in either.
package struct TrainingData: Sendable {
    /// Every so many lines of a file without a development file of its own is held out.
    package static let heldOutInterval = 12

    package var training: [TrainingExample] = []
    package var development: [TrainingExample] = []

    package init() {}

    /// Adds examples that come without a development file: every twelfth is held out.
    package mutating func addSplitting(_ examples: [TrainingExample]) {
        for (index, example) in examples.enumerated() {
            if index % Self.heldOutInterval == 5 { development.append(example) } else { training.append(example) }
        }
    }
}
