import Foundation
import QuartetCore
import QuartetEmotion

/// How many reviews analysers read in a second on one core.
struct EmotionBench {
    struct Figure: Sendable, Encodable {
        let analyzer: String
        /// Reviews a second of this thread's processor time, the median of the rounds.
        let reviewsPerSecond: Double
        let slowestRound: Double
    }

    struct Figures: Sendable, Encodable {
        let reviews: Int
        let bytesPerReview: Int
        let rounds: Int
        let analyzers: [Figure]
    }

    private static let batch = 100

    let rounds: Int

    /// Measures `analyzers` in turns on `reviews`, in batches of a hundred as a worker hands them out, on the calling
    /// thread.
    func run(_ reviews: [Review], analyzers: [any EmotionAnalyzer]) async throws -> Figures {
        guard !reviews.isEmpty else { throw ClientError("no reviews to measure on") }
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
        guard failed == 0 else { throw ClientError("\(failed) reviews could not be read") }
        return seconds
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Random texts, each of which an analyser must read within bounds, and alike whatever it is read with.
struct EmotionFuzz {
    struct Figures: Sendable, Encodable {
        let texts: Int
        let bytes: Int
        let seed: UInt64
        let seconds: Double
    }

    private static let batch = 1_000

    let count: Int
    let seed: UInt64

    /// - Throws: `ClientError` that shows the first text which was read badly.
    func run(_ analyzer: any EmotionAnalyzer, report: (_ count: Int) -> Void) async throws -> Figures {
        let began = ContinuousClock.now
        var (random, done, bytes) = (RandomText(seed: seed), 0, 0)
        while done < count {
            let reviews = (0..<min(Self.batch, count - done)).map { Review(id: "\($0)", text: random.next()) }
            let together = try await analyzer.analyze(reviews)
            for (review, result) in zip(reviews, together) {
                let reading = try result.get()
                let alone = try await analyzer.analyze([review]).first?.get()
                guard reading.isSound(for: review.text), reading == alone else {
                    throw ClientError("read badly with seed \(seed): \(review.text.debugDescription)")
                }
                bytes += review.text.utf8.count
            }
            done += reviews.count
            report(reviews.count)
        }
        return Figures(texts: done, bytes: bytes, seed: seed, seconds: began.duration(to: .now) / .seconds(1))
    }
}
