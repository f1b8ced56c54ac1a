import Foundation
import QuartetCore
import QuartetEmotion

/// How many short reviews analysers read in a second on one core.
enum EmotionBench {
    struct Figure: Sendable, Encodable {
        let analyzer: String
        /// Reviews a second of this thread's processor time, the median of the rounds.
        let reviewsPerSecond: Double
        let reviews: Int
        let bytesPerReview: Int
    }

    private static let batch = 100

    /// Measures `analyzers` on `reviews`, in batches of a hundred as a worker hands them out, on the calling thread.
    static func run(_ reviews: [Review], analyzers: [any EmotionAnalyzer], rounds: Int = 7) async throws -> [Figure] {
        guard !reviews.isEmpty else { throw ClientError("no reviews to measure on") }
        var figures: [Figure] = []
        for analyzer in analyzers {
            var speeds: [Double] = []
            for round in 0...rounds {
                let seconds = try await measure(reviews, by: analyzer)
                // The first round fills caches.
                if round > 0 { speeds.append(Double(reviews.count) / seconds) }
            }
            let bytes = reviews.reduce(0) { $0 + $1.text.utf8.count }
            figures.append(
                Figure(
                    analyzer: analyzer.identity.name, reviewsPerSecond: speeds.sorted()[rounds / 2],
                    reviews: reviews.count, bytesPerReview: bytes / reviews.count))
        }
        return figures
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
        guard failed == 0 else { throw ClientError("\(failed) reviews could not be read") }
        return seconds
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
