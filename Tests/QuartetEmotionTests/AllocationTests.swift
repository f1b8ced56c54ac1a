import CAllocationCount
import QuartetCore
import Testing

@testable import QuartetEmotion

@Suite("Allocations")
struct AllocationTests {
    /// A sentence a time, so that a text of more sentences has more n-grams, and nothing else that is new.
    private static let sentence = "배송이 정말 빨라서 놀랐어요 and I love the sound of it. "
    private let model: EmotionModel

    init() throws {
        model = try EmotionModel.embedded()
    }

    @Test("Scoring a text allocates nothing for an n-gram of it")
    func scoring() throws {
        var scorer = Scorer(model: model)
        let texts = [2, 20, 200].map { String(repeating: Self.sentence, count: $0) }
        // Once for the buffers that are kept for the next text.
        let counts = texts.map { scorer.score($0) }
        #expect(counts[2].features > 50 * counts[0].features)
        let allocations = texts.map { text in scorer.score(text).allocations }
        #expect(allocations == [0, 0, 0])
    }

    /// What ``ModelReader`` does between folding a text and choosing the emotion.
    private struct Scorer {
        let model: EmotionModel
        private var text = FoldedText()
        private var features = TextFeatures()
        private var found = FoundRows()

        init(model: EmotionModel) {
            self.model = model
        }

        mutating func score(_ string: String) -> (features: Int, allocations: Int) {
            text.fold(string.utf8.span)
            let (symbols, marks) = (text.symbols, [TextFeatures.Mark]())
            let before = quartet_allocation_count()
            features.prepare(symbols.span)
            found.collect(features, symbols.span, marks: marks.span, bucketCount: model.bucketCount)
            let sums = model.withRows { [found] in found.sum(in: $0) }
            let scores = ModelScores(
                sums: sums, count: found.count, by: model.parameters[features.language.rawValue])
            let after = quartet_allocation_count()
            precondition(scores.polarity.isFinite)
            return (found.count, after - before)
        }
    }
}
