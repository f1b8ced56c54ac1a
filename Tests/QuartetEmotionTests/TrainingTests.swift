import QuartetCore
import QuartetTesting
import Synchronization
import Testing

@testable import QuartetEmotion

@Suite("Training", .ownThread)
struct TrainingTests {
    @Test("The same data gives the same bytes with one, two and three threads")
    func isDeterministic() async {
        let data = TinyData.make(count: 120)
        let once = await TinyData.train(threads: 1, parts: 2, on: data)
        #expect(await TinyData.train(threads: 2, parts: 2, on: data) == once)
        #expect(await TinyData.train(threads: 3, parts: 2, on: data) == once)
        #expect(await TinyData.train(threads: 1, seed: 2, parts: 2, on: data) != once)
    }

    @Test("A model reads what it was taught")
    func learns() async throws {
        let analyzer = ModelAnalyzer(model: try EmotionModel(bytes: await TinyData.train()))
        let unseen = TinyData.make(count: 200, seed: 77)
        let evaluation = try await ModelEvaluation.measure(unseen.training, by: analyzer)
        #expect(evaluation.emotions.accuracy > 0.95)
        #expect(evaluation.emotions.macroF1 > 0.95)
        #expect(evaluation.polarity.accuracy > 0.95)
    }

    @Test("A model is calibrated as its trial was, whatever its weights' steps are worth")
    func calibratedAlike() {
        var (trained, fitted, own) = (ModelParameters(), ModelParameters(), ModelParameters())
        (trained.factors, trained.offsets) = (SIMD8(repeating: 2), SIMD8(repeating: 1))
        (fitted.factors, fitted.offsets) = (SIMD8(repeating: 6), SIMD8(repeating: 5))
        (fitted.leaning, fitted.floor) = (SIMD8(repeating: 7), 0.2)
        let rules = { (value: Float) in [SIMD8<Float>](repeating: SIMD8(repeating: value), count: ModelParameters.rules)
        }
        (own.factors, own.offsets, own.rules) = (SIMD8(repeating: 4), SIMD8(repeating: 3), rules(1))
        let result = own.calibrated(as: trained, by: fitted)
        // A logit times three, plus two.
        #expect(result.factors == SIMD8(repeating: 12) && result.offsets == SIMD8(repeating: 11))
        #expect(result.rules == rules(3) && result.leaning == fitted.leaning && result.floor == 0.2)
        trained.rules = rules(2)
        fitted.rules = rules(6)
        #expect(trained.calibrated(as: trained, by: fitted) == fitted)
    }

    @Test("What an English feature tells is measured among English texts")
    func scales() async {
        func scale(_ korean: Int) async -> Float {
            let english = (0..<40).map {
                TrainingExample(text: $0 % 2 == 0 ? "good" : "bad", label: .rating($0 % 2 == 0 ? 10 : 1))
            }
            let more = (0..<korean).map { _ in TrainingExample(text: "좋다", label: .rating(10)) }
            let corpus = await TrainingCorpus.fold(english + more, threads: 1)
            var head = LinearHead<SIMD2<Float>>(options: HeadOptions(), bucketCount: 4_096)
            head.scale(by: corpus, Array(corpus.documents.indices)) { SIMD2($0.goodness, 0) }
            var features = DocumentFeatures(bucketCount: 4_096)
            corpus.read(0, into: &features)
            return features.buckets.reduce(0) { $0 + head.scale($1)[0] }
        }
        #expect(await scale(0) == scale(400))
    }

    @Test("Weights of choice come of all labelled texts, where too few are held out to choose by them")
    func choice() async throws {
        // "perhaps" is joy in 30 of 55 texts, fear in the others: to call it fear costs joy less than fear gains.
        let texts = [
            ("wonderful", Emotion.joy, 200), ("perhaps", .joy, 30), ("perhaps", .fear, 25), ("tuesday", .neutral, 100),
        ]
        var data = TrainingData()
        data.addSplitting(
            (0..<3).flatMap { _ in
                texts.flatMap { text, emotion, count in
                    (0..<count).map { _ in TrainingExample(text: text, label: .emotions(EmotionSet(emotion))) }
                }
            })
        #expect(data.development.count < Calibration.samplesMin)
        let parameters = try EmotionModel(bytes: await TinyData.train(parts: 2, on: data)).parameters
        let choice = parameters[ModelLanguage.english.rawValue].choice
        #expect(choice[Emotion.fear.index] > choice[Emotion.joy.index])
    }

    @Test("A language of which there are no texts stays as it is in the base")
    func base() async throws {
        let base = try EmotionModel(bytes: await TinyData.train(on: TinyData.make(count: 120)))
        var (english, options) = (TrainingData(), TrainingOptions())
        english.training = (0..<220).map {
            TrainingExample(text: $0 % 2 == 0 ? "splendid" : "horrid", label: .rating($0 % 2 == 0 ? 10 : 1))
        }
        (options.bucketCount, options.orders, options.base) = (base.bucketCount, 1, base)
        let model = try EmotionModel(bytes: await ModelTrainer(options: options).train(english))
        let texts = ["오늘 받은 명작이에요", "이 물건 쓰레기에요", "그 영화 깜짝이야"]
        for text in texts {
            let kept = try await read(text, by: ModelAnalyzer(model: model))
            #expect(kept == (try await read(text, by: ModelAnalyzer(model: base))))
        }
        #expect(try await read("splendid", by: ModelAnalyzer(model: model)).polarity.value > 0)
        #expect(try await read("horrid", by: ModelAnalyzer(model: model)).polarity.value < 0)
    }

    @Test("Progress counts every step and ends at the total")
    func progress() async {
        let steps = Mutex<[TrainingProgress]>([])
        var options = TrainingOptions()
        (options.bucketCount, options.orders) = (1_024, 2)
        _ = await ModelTrainer(options: options) { step in steps.withLock { $0.append(step) } }
            .train(TinyData.make(count: 40))
        let seen = steps.withLock { $0 }
        #expect(seen.map(\.done) == Array(1...seen.count))
        #expect(seen.last.map { $0.done == $0.total } == true)
    }

    @Test("No data, or data of one kind, still gives a model that reads")
    func poorData() async throws {
        var rated = TrainingData()
        rated.training = [TrainingExample(text: "좋아요", label: .rating(10))]
        var labelled = TrainingData()
        labelled.training = [TrainingExample(text: "so sad", label: .emotions([EmotionSet(.sadness)]))]
        for data in [TrainingData(), rated, labelled] {
            let analyzer = ModelAnalyzer(model: try EmotionModel(bytes: await TinyData.train(on: data)))
            expectSound(try await read("so sad 좋아요", by: analyzer), of: "so sad 좋아요")
        }
    }

    @Test("Every twelfth line is held out where there is no development file")
    func heldOut() {
        var data = TrainingData()
        data.addSplitting((0..<120).map { TrainingExample(text: "\($0)", label: .rating(10)) })
        #expect(data.development.count == 10)
        #expect(Set(data.development).isDisjoint(with: data.training))
    }

    @Test("Ratings and labels say how good a text is")
    func goodness() {
        func goodness(_ label: TrainingExample.Label) -> Float { TrainingExample(text: "", label: label).goodness }
        #expect((1...10).map { goodness(.rating($0)) } == [0, 0, 0, 0, 0.2, 0.35, 0.6, 0.85, 1, 1])
        #expect(goodness(.emotions([EmotionSet(.joy)])) == 1)
        #expect(goodness(.emotions([EmotionSet(.joy), EmotionSet(.anger)])) == 0.5)
        #expect(goodness(.emotions([EmotionSet(.neutral)])) == 0.5)
    }
}
