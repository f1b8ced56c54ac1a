import QuartetCore
import Synchronization

/// Reads the reviews of a task that is still on its way into the queue, for a worker that has nothing else to do.
///
/// Every idle worker hears of the task and one of them gets it. So one whose preparations were in vain lets arrivals pass,
/// twice as many each time: however many workers there are, few of them prepare for the same task.
final class ReviewPrefetch: Sendable {
    private static let passedMax = 64

    private struct State {
        var prepared: (task: AnalysisTask, opening: SessionOpening)?
        /// How many arrivals are let pass after the next time in vain, and how many still are.
        var penalty = 1
        var toPass = 0

        mutating func endInVain() {
            guard prepared.take() != nil else { return }
            toPass = penalty
            penalty = min(2 * penalty, ReviewPrefetch.passedMax)
        }
    }

    private let state = Mutex(State())

    /// Begins with `task`, unless it is better left alone.
    func prepare(for task: AnalysisTask, _ open: () -> SessionOpening) {
        state.withLock { state in
            state.endInVain()
            if state.toPass > 0 {
                state.toPass -= 1
            } else {
                state.prepared = (task, open())
            }
        }
    }

    /// What was prepared for a task that was claimed.
    func opening(of claim: Claim) -> SessionOpening? {
        state.withLock { state in
            guard let prepared = state.prepared, prepared.task == claim.task else { return nil }
            state.prepared = nil
            state.penalty = 1
            return prepared.opening
        }
    }

    /// The queue is empty: what was prepared for has gone to another worker.
    func foundNothing() {
        state.withLock { $0.endInVain() }
    }
}
