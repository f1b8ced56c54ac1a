import ClientSupport
import Synchronization

/// How many reviews are analysed before their cards are stored: few where an analyser is slow, so that watchers see each
/// card soon, and many where storing takes longer than analysing.
final class AnalysisPace: Sendable {
    /// How much the last call counts in the mean.
    private static let weight = 0.25

    private let timePerSegment: Duration
    private let secondsPerReview: Mutex<Double>

    init(timePerSegment: Duration, expected: Duration) {
        self.timePerSegment = timePerSegment
        secondsPerReview = Mutex(expected.seconds)
    }

    /// From 1 to `max`.
    func size(max: Int) -> Int {
        let seconds = secondsPerReview.withLock { $0 }
        let size = timePerSegment.seconds / Swift.max(seconds, .leastNormalMagnitude)
        return size < Double(max) ? Swift.max(1, Int(size)) : Swift.max(1, max)
    }

    func took(_ duration: Duration, reviews: Int) {
        guard reviews > 0 else { return }
        let seconds = duration.seconds / Double(reviews)
        secondsPerReview.withLock { $0 += Self.weight * (seconds - $0) }
    }
}
