import Synchronization

/// Wakes one loop: rings that come while it works are remembered as one.
package final class WakeSignal: Sendable {
    fileprivate struct State {
        var isPending = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isPending = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns at the next ring, at once if it has rung since the last wait, when `timeout` has passed on `clock`, or when
    /// the task is cancelled. One caller at a time.
    package func wait(atMost timeout: Duration, clock: any Clock<Duration> = ContinuousClock()) async {
        if state.withLock({ $0.takePending() }) || Task.isCancelled { return }
        let alarm = Task { [self] in
            if (try? await clock.sleep(for: timeout)) != nil { ring() }
        }
        defer { alarm.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let rungAlready = state.withLock { state in
                    precondition(state.waiter == nil, "one loop waits for a signal")
                    if state.takePending() || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if rungAlready { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }
}

extension WakeSignal.State {
    fileprivate mutating func takePending() -> Bool {
        defer { isPending = false }
        return isPending
    }
}
