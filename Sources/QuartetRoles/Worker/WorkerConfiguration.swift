package import ClientSupport
import QuartetCore

/// The bounds of a worker.
package struct WorkerConfiguration: Sendable, Hashable {
    /// What `tasksMax` may be, also later on.
    package static let tasksAtMost = 10_000
    /// Tasks in hand at once.
    package var tasksMax = 768
    /// Reviews analysed together at most; progress is reported whenever their cards are stored.
    package var reviewsPerChunk = CardSegment.cardsMax
    /// About how long the analysis of reviews takes whose cards are stored together: a slow analyser's go out one by one.
    package var timePerSegment: Duration = .milliseconds(250)
    /// Of a product, reviews that are read before it is known how many it has.
    static let reviewsAtOpening = 50
    /// Reviews of one analysis; a product with more has its first ones, in id order, analysed.
    package var reviewsPerAnalysisMax = 100_000
    /// How long a claim holds without being renewed. Renewed after a third of it.
    package var leaseDuration: Duration = .seconds(10)
    /// Attempts per generation; the last one's failure makes the request `failed`.
    package var attemptsMax = 5
    /// Between a failed attempt and the next.
    package var retryBackoff = Backoff(base: .milliseconds(500), max: .seconds(60))
    /// From so many lapsed leases on a task is worked on alone: it may be what killed its workers, and would take others
    /// along, whose attempts count too.
    package var lapsesBeforeAlone: Int { max(1, min(2, attemptsMax - 1)) }
    /// How often an idle worker looks without a ring.
    package var pollInterval: Duration = .milliseconds(500)
    /// How long a worker that is told to stop goes on with what it has in hand.
    package var drainTimeout: Duration = .seconds(5)
    /// Cards in one write, and other items in one batch.
    package var cardsPerBatchMax = 4000
    package var itemsPerBatchMax = 256

    package init() {}
}
