import Synchronization

/// Lets a bounded number of requests run at once, and spaces their beginnings.
final class RequestGate: Sendable {
    private struct State {
        var running = 0
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
        var nextID: UInt64 = 0
        /// When the next request may begin.
        var nextStart: ContinuousClock.Instant?
    }

    private let runningMax: Int
    private let interval: Duration
    private let state = Mutex(State())

    init(runningMax: Int, perSecondMax: Int) {
        precondition(runningMax > 0 && perSecondMax >= 0, "a gate lets something through")
        self.runningMax = runningMax
        interval = perSecondMax == 0 ? .zero : .seconds(1) / perSecondMax
    }

    /// Runs `body` once there is room.
    ///
    /// - Throws: `CancellationError` when cancelled while waiting, and what `pause` and `body` throw.
    func pass<Value: Sendable>(
        pause: (Duration) async throws -> Void, _ body: () async throws -> Value
    ) async throws -> Value {
        guard await enter() else { throw CancellationError() }
        defer { leave() }
        let wait = reserveStart(now: .now)
        if wait > .zero { try await pause(wait) }
        return try await body()
    }

    /// How long the next request has to wait to keep the interval.
    func reserveStart(now: ContinuousClock.Instant) -> Duration {
        guard interval > .zero else { return .zero }
        return state.withLock { state in
            let start = max(state.nextStart ?? now, now)
            state.nextStart = start.advanced(by: interval)
            return now.duration(to: start)
        }
    }

    /// Whether there is room now; false when cancelled.
    private func enter() async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // A cancellation from here on finds the waiter in the list.
                    if Task.isCancelled { return false }
                    if state.running < runningMax {
                        state.running += 1
                        return true
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            waiter?.resume(returning: false)
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst().continuation }
            state.running -= 1
            return nil
        }
        next?.resume(returning: true)
    }
}
