import DequeModule
package import Dispatch
import Synchronization

/// Callers suspended until somebody releases them, their deadline passes or they are cancelled; first come, first served.
///
/// `wait` registers its caller before it gives up the caller's actor. So an actor that looks, finds nothing and waits
/// misses no release that is made on the same actor.
package final class WaiterQueue<Value: Sendable>: Sendable {
    private struct State {
        var lastID: UInt64 = 0
        var waiting = Deque<(id: UInt64, continuation: CheckedContinuation<Value, Never>)>()
    }

    private let timers: DispatchQueue
    private let state = Mutex(State())

    /// - Parameter timers: where deadlines are watched.
    package init(timers: DispatchQueue) {
        self.timers = timers
    }

    package var isEmpty: Bool { state.withLock(\.waiting.isEmpty) }

    /// A number for one wait; never 0.
    package func makeID() -> UInt64 {
        state.withLock {
            $0.lastID += 1
            return $0.lastID
        }
    }

    /// Waits to be released as `id`, at most until `deadline`; `inFront` for who was released and has to wait again.
    package func wait(
        as id: UInt64, inFront: Bool = false, until deadline: Deadline?, late: Value, cancelled: Value,
        isolation: isolated (any Actor)? = #isolation
    ) async -> Value {
        await withTaskCancellationHandler {
            // A closure runs on the actor of an isolated parameter only if it captures that parameter.
            _ = isolation
            return await withCheckedContinuation { continuation in
                state.withLock {
                    if inFront { $0.waiting.prepend((id, continuation)) } else { $0.waiting.append((id, continuation)) }
                }
                // Cancelled before it was registered: the handler below found nobody.
                if Task.isCancelled { release(id, with: cancelled) }
                guard let deadline else { return }
                let left = deadline.remainingMilliseconds
                timers.asyncAfter(deadline: .now() + .milliseconds(Int(left))) { [weak self] in
                    self?.release(id, with: late)
                }
            }
        } onCancel: {
            release(id, with: cancelled)
        }
    }

    /// Releases the caller that waits as `id`; nobody if it has gone on already.
    package func release(_ id: UInt64, with value: Value) {
        let continuation = state.withLock { state -> CheckedContinuation<Value, Never>? in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting.remove(at: index).continuation
        }
        continuation?.resume(returning: value)
    }

    /// Releases the caller that has waited longest.
    package func releaseFirst(with value: Value) {
        state.withLock { $0.waiting.popFirst()?.continuation }?.resume(returning: value)
    }

    package func releaseAll(with value: Value) {
        let all = state.withLock { state in
            defer { state.waiting.removeAll() }
            return state.waiting.map(\.continuation)
        }
        for continuation in all { continuation.resume(returning: value) }
    }
}
