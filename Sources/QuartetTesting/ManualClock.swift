import Synchronization

/// A clock that stands still until a test moves it.
///
/// `advance(by:)` resumes whoever's deadline has come; `sleepers(atLeast:)` is the signal that the code under test has
/// got as far as sleeping.
package final class ManualClock: Clock, Sendable {
    /// An instant, as the time since the clock was made.
    package struct Instant: InstantProtocol, Sendable {
        package let offset: Duration

        package init(offset: Duration) {
            self.offset = offset
        }

        package func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        package func duration(to other: Instant) -> Duration { other.offset - offset }

        package static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    fileprivate typealias Sleeper = CheckedContinuation<Void, any Error>

    fileprivate struct State {
        var now = Instant(offset: .zero)
        var nextID: UInt64 = 0
        var sleepers: [UInt64: (deadline: Instant, continuation: Sleeper)] = [:]
        /// Who waits for others to sleep.
        var observers: [UInt64: (count: Int, continuation: Sleeper)] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    package var now: Instant { state.withLock { $0.now } }
    package var minimumResolution: Duration { .nanoseconds(1) }

    /// Moves the time forward and resumes the sleepers whose deadline has come, the earliest first.
    package func advance(by duration: Duration) {
        precondition(duration >= .zero, "time goes forward")
        let awake = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value.continuation)
        }
        for sleeper in awake { sleeper.resume() }
    }

    package func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let id = state.withLock { $0.makeID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (isDone, observers) = state.withLock { state -> (Bool, [Sleeper]) in
                    if Task.isCancelled || deadline <= state.now { return (true, []) }
                    state.sleepers[id] = (deadline, continuation)
                    return (false, state.takeSatisfiedObservers())
                }
                for observer in observers { observer.resume() }
                if isDone { continuation.resume() }
            }
            try Task.checkCancellation()
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Returns once at least `count` tasks sleep on this clock.
    ///
    /// - Throws: `CancellationError`.
    package func sleepers(atLeast count: Int) async throws {
        let id = state.withLock { $0.makeID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isDone = state.withLock { state in
                    if Task.isCancelled || state.sleepers.count >= count { return true }
                    state.observers[id] = (count, continuation)
                    return false
                }
                if isDone { continuation.resume() }
            }
            try Task.checkCancellation()
        } onCancel: {
            state.withLock { $0.observers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }
}

extension ManualClock.State {
    fileprivate mutating func makeID() -> UInt64 {
        nextID += 1
        return nextID
    }

    fileprivate mutating func takeSatisfiedObservers() -> [ManualClock.Sleeper] {
        let satisfied = observers.filter { $0.value.count <= sleepers.count }
        for id in satisfied.keys { observers[id] = nil }
        return satisfied.map(\.value.continuation)
    }
}
