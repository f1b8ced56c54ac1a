import Foundation
import QuartetCore
import QuartetEmotion
import QuartetTesting
import Testing

@Suite("Quality", .ownThread)
struct QualityTests {
    private struct SampleProduct: Decodable {
        struct Entry: Decodable {
            let id: String
            let text: String
            let rating: Int
            let date: String
        }
        let productId: String
        let reviews: [Entry]
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func sample() throws -> [SampleProduct] {
        let text = try String(contentsOf: root.appending(path: "infra/sample/reviews.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(SampleProduct.self, from: Data($0.utf8))
        }
    }

    @Test("The sample is whole: eight products, unique ids, ratings in range")
    func sampleIsWhole() throws {
        let products = try Self.sample()
        #expect(products.count == 8)
        #expect(Set(products.map(\.productId)).count == 8)
        for product in products {
            #expect((12...25).contains(product.reviews.count))
            #expect(Set(product.reviews.map(\.id)).count == product.reviews.count)
            #expect(product.reviews.allSatisfy { (1...10).contains($0.rating) && !$0.text.isEmpty })
        }
    }

    @Test("In the sample, polarity agrees with clear ratings")
    func samplePolarity() async throws {
        let clear = try Self.sample().flatMap(\.reviews).filter { $0.rating <= 3 || $0.rating >= 8 }
        let readings = try await readAll(clear.map(\.text))
        let agreeing = zip(clear, readings).count { $0.rating >= 8 ? $1.polarity.value > 0 : $1.polarity.value < 0 }
        #expect(Double(agreeing) >= 0.9 * Double(clear.count))
    }

    @Test("The sample shows every emotion")
    func sampleEmotions() async throws {
        let readings = try await readAll(try Self.sample().flatMap(\.reviews).map(\.text))
        for emotion in Emotion.allCases { #expect(readings.count { $0.emotion == emotion } >= 5, "\(emotion)") }
    }

    /// Where the corpora are at hand a tenth of them is the measure; elsewhere the sample above is.
    @Test("On the corpora, the lexicon is as good as it was", .enabled(if: Corpora.areAtHand))
    func corpora() async throws {
        func measure(_ file: String) async throws -> ModelEvaluation {
            try await ModelEvaluation.measure(await Corpora.examples(file, every: 10), by: LexiconAnalyzer())
        }
        #expect(try await measure("sentiment/train.tsv.gz").polarity.accuracy >= 0.72)
        #expect(try await measure("emotions/ko/dev.tsv.gz").emotions.macroF1 >= 0.38)
        #expect(try await measure("emotions/en/dev.tsv.gz").emotions.macroF1 >= 0.42)
    }

    @Test("On texts held out of training, the model is as good as it was", .enabled(if: Corpora.areAtHand))
    func model() async throws {
        let analyzer = ModelAnalyzer(model: try EmotionModel.embedded())
        let rated = try await Corpora.examples("sentiment/test.tsv.gz", every: 10)
        let polarity = try await ModelEvaluation.measure(rated, by: analyzer).polarity
        #expect(polarity.accuracy >= 0.85)
        #expect(polarity.calibrationError < 0.05)
        for (folder, floor) in [("ko", 0.48), ("en", 0.52)] {
            let labelled = try await Corpora.examples("emotions/\(folder)/test.tsv.gz", every: 3)
            let evaluation = try await ModelEvaluation.measure(labelled, by: analyzer)
            #expect(evaluation.emotions.macroF1 >= floor)
            // Of a third of the texts; of all of them it is below 0.03, and some 0.04 is chance.
            #expect(evaluation.emotionCalibrationError < 0.07)
        }
    }

    @Test("In the sample, the model's polarity agrees with clear ratings")
    func modelOnSample() async throws {
        let clear = try Self.sample().flatMap(\.reviews).filter { $0.rating <= 3 || $0.rating >= 8 }
        let readings = try await readAll(clear.map(\.text), by: ModelAnalyzer(model: try EmotionModel.embedded()))
        let agreeing = zip(clear, readings).count { $0.rating >= 8 ? $1.polarity.value > 0 : $1.polarity.value < 0 }
        #expect(Double(agreeing) >= 0.85 * Double(clear.count))
    }
}
