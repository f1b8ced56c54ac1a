import DequeModule
import Synchronization

/// What waits for one subscriber. It is bounded: when it is full the oldest message goes, and the subscriber is told that
/// some are missing before it gets the next one. So a slow subscriber holds up nobody.
final class SubscriberBuffer: Sendable {
    fileprivate typealias Consumer = CheckedContinuation<Result<RedisSubscriptionEvent?, RedisError>, Never>

    fileprivate struct State {
        var events = Deque<RedisSubscriptionEvent>()
        /// Messages were dropped that came before all those in `events`.
        var hasGap = false
        var end: Result<Void, RedisError>?
        var waiter: Consumer?
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = capacity
    }

    func push(_ event: RedisSubscriptionEvent) {
        let waiter = state.withLock {
            state -> Consumer? in
            guard state.end == nil else { return nil }
            if let waiter = state.waiter {
                state.waiter = nil
                return waiter
            }
            if state.events.count == capacity {
                state.events.removeFirst()
                state.hasGap = true
            }
            state.events.append(event)
            return nil
        }
        waiter?.resume(returning: .success(event))
    }

    /// Nothing more comes. What waits is still handed out; then comes `error`, or the end.
    func finish(_ error: RedisError?) {
        let end: Result<Void, RedisError> = error.map { .failure($0) } ?? .success(())
        let waiter = state.withLock {
            state -> Consumer? in
            if state.end == nil { state.end = end }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: end.map { nil })
    }

    /// The next event; nil at the end, or when the caller is cancelled. One caller at a time.
    func next() async throws(RedisError) -> RedisSubscriptionEvent? {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> Result<RedisSubscriptionEvent?, RedisError>? in
                    precondition(state.waiter == nil, "a subscription has one consumer")
                    if Task.isCancelled { return .success(nil) }
                    if let ready = state.take() { return ready }
                    state.waiter = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: .success(nil))
        }
        return try result.get()
    }
}

extension SubscriberBuffer.State {
    fileprivate mutating func take() -> Result<RedisSubscriptionEvent?, RedisError>? {
        if hasGap {
            hasGap = false
            return .success(.messagesMissed)
        }
        if let event = events.popFirst() { return .success(event) }
        return end.map { $0.map { nil } }
    }
}
