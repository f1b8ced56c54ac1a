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

    private static let batch = 100

    private let rounds: Int

    /// - Parameter rounds: how often each analyser reads everything, at least once.
    package init(rounds: Int) {
        self.rounds = rounds
    }

    /// Measures `analyzers` in turns on `reviews`, in batches of a hundred as a worker hands them out, on the calling
    /// thread.
    package func run(_ reviews: [Review], analyzers: [any EmotionAnalyzer]) async throws -> Figures {
        guard !reviews.isEmpty else { throw BenchError("no reviews to measure on") }
        var speeds = [[Double]](repeating: [], count: analyzers.count)
        for round in 0...rounds {
            for (index, analyzer) in analyzers.enumerated() {
                let seconds = try await Self.measure(reviews, by: analyzer)
                // The first round fills caches.
                if round > 0 { speeds[index].append(Double(reviews.count) / seconds) }
            }
        }
        let bytes = reviews.reduce(0) { $0 + $1.text.utf8.count }
        let figures = zip(analyzers, speeds).map { analyzer, speeds in
            let sorted = speeds.sorted()
            return Figure(
                analyzer: "\(analyzer.identity)", reviewsPerSecond: sorted[rounds / 2].rounded(),
                slowestRound: sorted[0].rounded())
        }
        return Figures(
            reviews: reviews.count, bytesPerReview: bytes / reviews.count, rounds: rounds, analyzers: figures)
    }

    private static func measure(_ reviews: [Review], by analyzer: any EmotionAnalyzer) async throws -> Double {
        var (seconds, failed) = (0.0, 0)
        for start in stride(from: 0, to: reviews.count, by: batch) {
            let part = Array(reviews[start..<min(start + batch, reviews.count)])
            // Neither analyser suspends, so one batch stays on its thread.
            let began = threadSeconds()
            let results = try await analyzer.analyze(part)
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
