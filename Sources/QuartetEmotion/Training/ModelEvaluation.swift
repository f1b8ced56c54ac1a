package import QuartetCore

/// How good an analyser is on labelled texts.
package struct ModelEvaluation: Sendable {
    /// Texts that people called good or bad, and how they were read. Undecided counts as wrong.
    package struct Polarity: Sendable {
        /// Read as good, as bad, as neither.
        package fileprivate(set) var good = [0, 0, 0]
        package fileprivate(set) var bad = [0, 0, 0]
        fileprivate var calibration = CalibrationError()

        package var textCount: Int { (good + bad).reduce(0, +) }
        package var accuracy: Double { textCount == 0 ? 0 : Double(good[0] + bad[1]) / Double(textCount) }
        package var calibrationError: Double { calibration.value }

        package var macroF1: Double {
            func f1(_ hits: Int, _ read: Int, _ truths: Int) -> Double {
                read + truths == 0 ? 0 : Double(2 * hits) / Double(read + truths)
            }
            let ofGood = f1(good[0], good[0] + bad[0], good.reduce(0, +))
            let ofBad = f1(bad[1], good[1] + bad[1], bad.reduce(0, +))
            return (ofGood + ofBad) / 2
        }
    }

    package private(set) var polarity = Polarity()
    package private(set) var emotions = EmotionTable()
    private var emotionCalibration = CalibrationError()

    package var emotionCalibrationError: Double { emotionCalibration.value }

    /// Reads `examples` by `analyzer`, a thousand at a time.
    ///
    /// - Throws: what the analyser throws, and the first failure of a text.
    package static func measure(
        _ examples: [TrainingExample], by analyzer: any EmotionAnalyzer
    ) async throws -> ModelEvaluation {
        var evaluation = ModelEvaluation()
        for start in stride(from: 0, to: examples.count, by: 1_000) {
            let part = examples[start..<min(start + 1_000, examples.count)]
            let reviews = part.enumerated().map { Review(id: "\(start + $0.offset)", text: $0.element.text) }
            for (example, result) in zip(part, try await analyzer.analyze(reviews)) {
                evaluation.add(try result.get(), of: example)
            }
        }
        return evaluation
    }

    private mutating func add(_ reading: EmotionReading, of example: TrainingExample) {
        switch example.label {
        case .rating, .valence:
            guard let isGood = example.isGood else { return }
            let value = reading.polarity.value
            let column = value > 0 ? 0 : value < 0 ? 1 : 2
            if isGood { polarity.good[column] += 1 } else { polarity.bad[column] += 1 }
            polarity.calibration.add(
                probability: (1 + abs(value)) / 2, isRight: isGood ? value > 0 : value < 0)
        case .emotions(let truth):
            emotions.add(chosen: reading.emotion, truth: truth)
            let likely = reading.scores.strongest
            emotionCalibration.add(
                probability: reading.scores[likely].value, isRight: truth.contains(EmotionSet(likely)))
        }
    }
}
