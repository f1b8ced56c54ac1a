/// Exponential backoff with full jitter: the n-th delay is uniform in 0...min(max, base * 2^n).
///
/// Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
package struct Backoff: Sendable, Hashable {
    package var base: Duration
    package var max: Duration

    package init(base: Duration = .milliseconds(50), max: Duration = .seconds(5)) {
        precondition(base > .zero && max >= base, "a backoff grows from base to max")
        self.base = base
        self.max = max
    }

    /// The largest delay before attempt `attempt` (0 is the first repetition).
    package func ceiling(attempt: Int) -> Duration {
        let doublings = Swift.min(Swift.max(attempt, 0), 30)
        return Swift.min(max, base * (1 << doublings))
    }

    /// A delay before attempt `attempt`, at least a tenth of its ceiling so that a loop can't spin.
    package func delay(attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        ceiling(attempt: attempt) * Double.random(in: 0.1...1, using: &generator)
    }

    package func delay(attempt: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return delay(attempt: attempt, using: &generator)
    }
}
