import Foundation
import QuartetCore
import QuartetEmotion

/// An evaluation as people and programs read it.
struct EvaluationView {
    private let evaluation: ModelEvaluation

    init(_ evaluation: ModelEvaluation) {
        self.evaluation = evaluation
    }

    var text: String {
        var lines: [String] = []
        let polarity = evaluation.polarity
        if polarity.textCount > 0 {
            lines.append(
                "polarity: accuracy \(Self.number(polarity.accuracy)), macro-F1 \(Self.number(polarity.macroF1)), "
                    + "calibration error \(Self.number(polarity.calibrationError)), \(polarity.textCount) texts")
            lines.append(Self.row("true \\ read", ["good", "bad", "neither"]))
            lines.append(Self.row("good", polarity.good.map(String.init)))
            lines.append(Self.row("bad", polarity.bad.map(String.init)))
        }
        let emotions = evaluation.emotions
        if emotions.textCount > 0 {
            lines.append(
                "emotions: macro-F1 \(Self.number(emotions.macroF1)), accuracy \(Self.number(emotions.accuracy)), "
                    + "calibration error \(Self.number(evaluation.emotionCalibrationError)), \(emotions.textCount) texts"
            )
            lines.append(Self.row("true \\ read", Emotion.allCases.map(\.rawValue) + ["F1"]))
            for emotion in Emotion.allCases {
                let counts = emotions.confusion[emotion.index].map(String.init)
                lines.append(Self.row(emotion.rawValue, counts + [Self.number(emotions.f1(emotion))]))
            }
        }
        return lines.joined(separator: "\n")
    }

    func json(file: String, analyzer: AnalyzerIdentity) throws -> String {
        var answer = Answer(file: file, analyzer: "\(analyzer)")
        let polarity = evaluation.polarity
        if polarity.textCount > 0 {
            answer.polarity = Answer.Polarity(
                texts: polarity.textCount, accuracy: polarity.accuracy, macroF1: polarity.macroF1,
                calibrationError: polarity.calibrationError, confusion: ["good": polarity.good, "bad": polarity.bad])
        }
        let emotions = evaluation.emotions
        if emotions.textCount > 0 {
            answer.emotions = Answer.Emotions(
                texts: emotions.textCount, macroF1: emotions.macroF1, accuracy: emotions.accuracy,
                calibrationError: evaluation.emotionCalibrationError,
                f1: Self.byEmotion { emotions.f1($0) }, confusion: Self.byEmotion { emotions.confusion[$0.index] })
        }
        return try ReportJSON.text(of: answer, isIndented: false)
    }

    static func text(file: String, _ aspects: AspectEvaluation) -> String {
        """
        \(file), \(aspects.textCount) texts with \(aspects.labelled) aspects
        aspects: F1 \(number(aspects.f1)), precision \(number(aspects.precision)), recall \(number(aspects.recall)); \
        of \(aspects.met) met: polarity \(number(aspects.polarity)), category \(number(aspects.category))
        """
    }

    static func json(file: String, _ aspects: AspectEvaluation) throws -> String {
        struct Answer: Encodable {
            let file: String
            let texts, labelled, found, met: Int
            let f1, precision, recall, polarity, category: Double
        }
        return try ReportJSON.text(
            of: Answer(
                file: file, texts: aspects.textCount, labelled: aspects.labelled, found: aspects.found,
                met: aspects.met,
                f1: aspects.f1, precision: aspects.precision, recall: aspects.recall, polarity: aspects.polarity,
                category: aspects.category), isIndented: false)
    }

    private struct Answer: Encodable {
        struct Polarity: Encodable {
            let texts: Int
            let accuracy: Double
            let macroF1: Double
            let calibrationError: Double
            /// For each truth: read as good, bad, neither.
            let confusion: [String: [Int]]
        }

        struct Emotions: Encodable {
            let texts: Int
            let macroF1: Double
            let accuracy: Double
            let calibrationError: Double
            let f1: [String: Double]
            /// For each truth: read as each emotion, in the order of the table.
            let confusion: [String: [Int]]
        }

        let file: String
        let analyzer: String
        var polarity: Polarity?
        var emotions: Emotions?
    }

    private static func byEmotion<Value>(_ value: (Emotion) -> Value) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: Emotion.allCases.map { ($0.rawValue, value($0)) })
    }

    private static func row(_ label: String, _ cells: [String]) -> String {
        "  " + label.padding(toLength: 12, withPad: " ", startingAt: 0)
            + cells.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }.joined()
    }

    private static func number(_ value: Double) -> String { String(format: "%.4f", value) }
}
