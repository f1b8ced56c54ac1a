import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetEmotion

@Suite("Evaluation", .ownThread)
struct EvaluationTests {
    @Test("F1 counts a text for each of its true emotions")
    func table() {
        var table = EmotionTable()
        table.add(chosen: .joy, truth: EmotionSet(.joy))
        table.add(chosen: .joy, truth: [EmotionSet(.joy), EmotionSet(.surprise)])
        table.add(chosen: .anger, truth: EmotionSet(.joy))
        #expect(table.accuracy == 2.0 / 3)
        #expect(table.f1(.joy) == 4.0 / 5)
        #expect(table.f1(.anger) == 0)
        #expect(table.f1(.surprise) == 0)
        #expect(abs(table.macroF1 - 0.8 / 7) < 1e-12)
        #expect(table.support(.joy) == 3)
        #expect(table.confusion[Emotion.joy.index][Emotion.anger.index] == 1)
        #expect(table.confusion[Emotion.joy.index][Emotion.joy.index] == 2)
    }

    @Test("The calibration error is the distance of probabilities from frequencies")
    func calibration() {
        var honest = CalibrationError()
        var vain = CalibrationError()
        for index in 0..<100 {
            honest.add(probability: 0.75, isRight: index % 4 != 0)
            vain.add(probability: 1, isRight: index % 2 == 0)
        }
        #expect(honest.value < 1e-12)
        #expect(abs(vain.value - 0.5) < 1e-12)
        #expect(CalibrationError().value == 0)
    }

    @Test("Calibration mends a model that is too sure and raises emotions that are too rarely chosen")
    func fit() {
        var random = SplitMix(state: 5)
        let samples = (0..<2_000).map { index -> Calibration.Sample in
            // The logits are four times what the labels deserve.
            let isGood = Double.random(in: 0..<1, using: &random) < 0.7
            var logits = SIMD8<Float>.zero
            logits[7] = isGood == (Double.random(in: 0..<1, using: &random) < 0.8) ? 5.5 : -5.5
            logits[0] = 4
            let truth: Emotion = index % 3 == 0 ? .anger : .joy
            if truth == .anger { logits[2] = 3 }
            return Calibration.Sample(logits: logits, emotions: EmotionSet(truth), isGood: isGood)
        }
        let fitted = Calibration(seed: 1).fit(ModelParameters(), to: samples)
        var (error, table) = (CalibrationError(), EmotionTable())
        for sample in samples {
            let scores = ModelScores(sample.logits * fitted.factors + fitted.offsets, leaning: fitted.leaning)
            let isRight = (scores.positive > 0.5) == sample.isGood
            error.add(probability: Double(max(scores.positive, 1 - scores.positive)), isRight: isRight)
            table.add(chosen: scores.chosen(by: fitted), truth: sample.emotions)
        }
        #expect(error.value < 0.03)
        #expect(table.f1(.anger) > 0.95)
    }

    @Test("With few texts the parameters stay as they were trained")
    func fewSamples() {
        let sample = Calibration.Sample(logits: .zero, emotions: EmotionSet(.joy), isGood: true)
        #expect(Calibration(seed: 1).fit(ModelParameters(), to: [sample]) == ModelParameters())
    }
}
