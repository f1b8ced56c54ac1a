import QuartetCore
import Synchronization

/// Opens after a few failures in a row: a slow cache is no cache. While it is open nobody waits for the cache; from time to
/// time one reader's look is made beside it, to see whether it is back.
final class CacheBreaker: Sendable {
    enum Verdict {
        case use
        case bypass
        /// Bypass, and look beside it.
        case probe
    }

    private struct State {
        var failuresInRow = 0
        /// Nil: closed.
        var nextProbe: ContinuousClock.Instant?
    }

    private let failuresMax: Int
    private let pause: Duration
    private let state = Mutex(State())

    init(failuresMax: Int, pause: Duration) {
        self.failuresMax = failuresMax
        self.pause = pause
    }

    func verdict() -> Verdict {
        state.withLock { state in
            guard let nextProbe = state.nextProbe else { return .use }
            guard nextProbe <= .now else { return .bypass }
            state.nextProbe = .now + pause
            return .probe
        }
    }

    func succeeded() {
        let wasOpen = state.withLock { state in
            defer { state = State() }
            return state.nextProbe != nil
        }
        if wasOpen { CacheMetrics.breaker(isOpen: false) }
    }

    func failed() {
        let opens = state.withLock { state in
            state.failuresInRow += 1
            guard state.failuresInRow >= failuresMax, state.nextProbe == nil else { return false }
            state.nextProbe = .now + pause
            return true
        }
        if opens { CacheMetrics.breaker(isOpen: true) }
    }
}
