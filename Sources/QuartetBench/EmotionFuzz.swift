import ClientSupport
package import QuartetCore
import QuartetEmotion

/// Random texts, each of which an analyser must read within bounds, and alike whatever it is read with.
package struct EmotionFuzz {
    package struct Figures: Sendable, Encodable {
        let texts: Int
        let bytes: Int
        let seed: UInt64
        let seconds: Double
    }

    private static let batch = 1_000

    private let count: Int
    private let seed: UInt64

    /// - Parameters:
    ///   - count: how many texts.
    ///   - seed: what they follow from.
    package init(count: Int, seed: UInt64) {
        (self.count, self.seed) = (count, seed)
    }

    /// - Throws: `BenchError` that shows the first text which was read badly.
    package func run(
        _ analyzer: any EmotionAnalyzer, report: (_ count: Int) -> Void
    ) async throws -> Figures {
        let began = ContinuousClock.now
        var (random, done, bytes) = (RandomText(seed: seed), 0, 0)
        while done < count {
            let reviews = (0..<min(Self.batch, count - done)).map { Review(id: "\($0)", text: random.next()) }
            let together = try await analyzer.analyze(reviews)
            for (review, result) in zip(reviews, together) {
                let reading = try result.get()
                let alone = try await analyzer.analyze([review]).first?.get()
                guard reading.isSound(for: review.text), reading == alone else {
                    throw BenchError("read badly with seed \(seed): \(review.text.debugDescription)")
                }
                bytes += review.text.utf8.count
            }
            done += reviews.count
            report(reviews.count)
        }
        return Figures(texts: done, bytes: bytes, seed: seed, seconds: began.duration(to: .now).seconds)
    }
}
