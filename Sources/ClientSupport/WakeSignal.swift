import Synchronization

/// Wakes one loop: rings that come while it works are remembered as one.
///
/// A wait that a ring ends leaves its alarm set for the waits after it, so that a loop which is rung often does not set a
/// timer each time.
package final class WakeSignal: Sendable {
    /// Times are counted from when the signal was made.
    fileprivate struct State {
        struct Waiter {
            let continuation: CheckedContinuation<Bool, Never>
            let deadline: Duration
        }

        var isPending = false
        var waiter: Waiter?
        /// When the alarm that counts goes off; an earlier one than this has been replaced by it.
        var alarm: Duration?
    }

    private let state = Mutex(State())
    private let elapsed: @Sendable () -> Duration
    private let reach: @Sendable (Duration) async -> Void

    package init(clock: some Clock<Duration> = ContinuousClock()) {
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        reach = { try? await clock.sleep(until: start.advanced(by: $0), tolerance: nil) }
    }

    package func ring() {
        let waiter = state.withLock { state in
            if state.waiter == nil { state.isPending = true }
            return state.waiter.take()
        }
        waiter?.continuation.resume(returning: true)
    }

    /// Returns true at the next ring, or at once if it has rung since the last wait; false when `timeout` has passed, or
    /// when the task is cancelled. One caller at a time.
    @discardableResult
    package func wait(atMost timeout: Duration) async -> Bool {
        if state.withLock({ $0.takePending() }) { return true }
        if Task.isCancelled { return false }
        let deadline = elapsed() + timeout
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    precondition(state.waiter == nil, "one loop waits for a signal")
                    if state.takePending() { return true }
                    if Task.isCancelled { return false }
                    state.waiter = State.Waiter(continuation: continuation, deadline: deadline)
                    return nil
                }
                if let answer { return continuation.resume(returning: answer) }
                setAlarm(deadline)
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.continuation.resume(returning: false)
        }
    }

    /// Unless one is set that goes off before.
    private func setAlarm(_ time: Duration) {
        let isNew = state.withLock { state in
            if let alarm = state.alarm, alarm <= time { return false }
            state.alarm = time
            return true
        }
        if isNew { Task { await sound(at: time) } }
    }

    /// Ends a wait whose time has come; otherwise waits on for the one that waits by then.
    private func sound(at first: Duration) async {
        var time = first
        while true {
            await reach(time)
            let (overdue, next) = state.withLock { $0.sound(alarm: time, now: elapsed()) }
            overdue?.continuation.resume(returning: false)
            guard let next else { return }
            time = next
        }
    }
}

extension WakeSignal.State {
    fileprivate mutating func takePending() -> Bool {
        defer { isPending = false }
        return isPending
    }

    /// The waiter whose time has come, and when to sound again.
    fileprivate mutating func sound(alarm time: Duration, now: Duration) -> (overdue: Waiter?, next: Duration?) {
        guard alarm == time else { return (nil, nil) }
        alarm = nil
        guard let waiting = waiter else { return (nil, nil) }
        guard waiting.deadline > now else { return (waiter.take(), nil) }
        alarm = waiting.deadline
        return (nil, alarm)
    }
}
