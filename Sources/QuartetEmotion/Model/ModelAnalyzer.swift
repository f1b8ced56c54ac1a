package import QuartetCore
import Synchronization

/// Reads emotions by a linear model over hashed n-grams of Korean and English, trained on public data.
///
/// The scores are probabilities: of all texts scored 0.8, about eight in ten are what the score says. The emotion is the
/// most probable one once rare emotions are weighed up; a text whose best emotion stays below the model's floor, and one
/// without any word or face, is neutral. Keywords come from the lexicon and from the rules that cut particles off nouns,
/// the excerpt is the sentence that moved the score most.
package struct ModelAnalyzer: EmotionAnalyzer {
    private let model: EmotionModel
    private let findsAspects: Bool
    private let readers = Readers()

    /// - Parameter findsAspects: false to measure what the model takes by itself.
    package init(model: EmotionModel, findsAspects: Bool = true) {
        (self.model, self.findsAspects) = (model, findsAspects)
    }

    /// Readers between two calls, with buffers that have grown: a task's twenty reviews are too few to grow them for.
    private final class Readers: Sendable {
        private static let countMax = 16
        private let idle = Mutex<[ModelReader]>([])

        func take() -> ModelReader? { idle.withLock { $0.popLast() } }

        func put(_ reader: consuming ModelReader) {
            let reader = reader
            idle.withLock { if $0.count < Self.countMax { $0.append(reader) } }
        }
    }

    package var identity: AnalyzerIdentity {
        let digits = String(model.checksum, radix: 16)
        let checksum = String(repeating: "0", count: 16 - digits.count) + digits
        return AnalyzerIdentity(name: "model", version: "\(checksum).\(Self.rulesVersion)")
    }

    /// Of what is read beside the model: grows with every change by which the same text comes to another reading.
    private static let rulesVersion = 5

    package func analyze(_ reviews: [Review]) async throws -> [Result<EmotionReading, AnalyzerError>] {
        var reader = readers.take() ?? ModelReader(model: model, lexicon: .standard, findsAspects: findsAspects)
        let readings = reviews.map { Result<EmotionReading, AnalyzerError>.success(reader.read($0.text)) }
        readers.put(reader)
        return readings
    }
}
