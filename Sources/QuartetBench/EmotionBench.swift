import Foundation
package import QuartetCore

/// How many reviews analysers read in a second on one core.
package struct EmotionBench {
    package struct Figure: Sendable, Encodable {
        let analyzer: String
        /// Reviews a second of this thread's processor time, the median of the rounds.
        let reviewsPerSecond: Double
        let slowestRound: Double
    }

    package struct Figures: Sendable, Encodable {
        let reviews: Int
        let bytesPerReview: Int
        let rounds: Int
        let analyzers: [Figure]
    }

    /// One of those that are measured in turns.
    package struct Subject: Sendable {
        let name: String
        let analyzer: any EmotionAnalyzer
        let folds: Bool

        /// - Parameter folds: whether what was read is made cards of and folded into a result, as in an analysis.
        package init(_ name: String, _ analyzer: any EmotionAnalyzer, folds: Bool = false) {
            (self.name, self.analyzer, self.folds) = (name, analyzer, folds)
        }
    }

    private static let batch = 100

    private let rounds: Int

    /// - Parameter rounds: how often each analyser reads everything, at least once.
    package init(rounds: Int) {
        self.rounds = rounds
    }

    /// Measures `subjects` in turns on `reviews`, in batches of a hundred as a worker hands them out, on the calling
    /// thread.
    package func run(_ reviews: [Review], _ subjects: [Subject]) async throws -> Figures {
        guard !reviews.isEmpty else { throw BenchError("no reviews to measure on") }
        var speeds = [[Double]](repeating: [], count: subjects.count)
        for round in 0...rounds {
            for (index, subject) in subjects.enumerated() {
                let seconds = try await Self.measure(reviews, subject)
                // The first round fills caches.
                if round > 0 { speeds[index].append(Double(reviews.count) / seconds) }
            }
        }
        let bytes = reviews.reduce(0) { $0 + $1.text.utf8.count }
        let figures = zip(subjects, speeds).map { subject, speeds in
            let sorted = speeds.sorted()
            return Figure(
                analyzer: "\(subject.analyzer.identity)\(subject.name)", reviewsPerSecond: sorted[rounds / 2].rounded(),
                slowestRound: sorted[0].rounded())
        }
        return Figures(
            reviews: reviews.count, bytesPerReview: bytes / reviews.count, rounds: rounds, analyzers: figures)
    }

    private static func measure(_ reviews: [Review], _ subject: Subject) async throws -> Double {
        var (seconds, failed) = (0.0, 0)
        let id = RequestID.make()
        guard let product = ProductID("bench") else { throw BenchError("a product's name that is none") }
        for start in stride(from: 0, to: reviews.count, by: batch) {
            let part = Array(reviews[start..<min(start + batch, reviews.count)])
            // Neither analyser suspends, so one batch stays on its thread.
            let began = threadSeconds()
            let results = try await subject.analyzer.analyze(part)
            if subject.folds {
                let session = AnalysisSession(
                    requestID: id, productID: product, manifest: part.map(\.id), analyzer: subject.analyzer.identity)
                var fold = Fold(session: session)
                for (ordinal, result) in results.enumerated() {
                    guard let reading = try? result.get() else { continue }
                    fold.add(EmotionCard(requestID: id, ordinal: ordinal, reviewID: part[ordinal].id, reading: reading))
                }
                _ = fold.resultAndKeywordDetails()
            }
            seconds += threadSeconds() - began
            failed += results.count { if case .failure = $0 { true } else { false } }
        }
        guard failed == 0 else { throw BenchError("\(failed) reviews could not be read") }
        return seconds
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
