import ClientSupport
import Synchronization

/// One blocking call and who waits for it. The caller may go on before the call returns: soon after its deadline, or after
/// a cancellation and the grace that the server has to answer then.
final class MongoCall: Sendable {
    enum Interruption: Sendable {
        case cancelled
        case deadline
    }

    private struct State {
        enum Phase {
            case waiting
            case running(session: BSONDocument?)
            case ended
        }

        var phase = Phase.waiting
        var continuation: CheckedContinuation<BSONDocument, any Error>?
        var interruption: Interruption?
        /// The server has been asked to end it, or never hears of it.
        var isEnding = false
        /// When the caller goes on although the call has not returned.
        var leaveAt: ContinuousClock.Instant
    }

    /// How long after the deadline the answer of a server that minds it, or has just done it, may be on its way.
    private static let answerTime: Duration = .milliseconds(100)

    let request: MongoRequest
    let deadline: Deadline
    private let grace: Duration
    private let state: Mutex<State>

    init(_ request: MongoRequest, deadline: Deadline, grace: Duration) {
        self.request = request
        self.deadline = deadline
        self.grace = grace
        state = Mutex(State(leaveAt: deadline.instant.advanced(by: min(grace, Self.answerTime))))
    }

    /// Who waits. False if the call was cancelled before it began; the continuation has been resumed then.
    func wait(_ continuation: CheckedContinuation<BSONDocument, any Error>) -> Bool {
        let isCancelled = state.withLock { state in
            guard state.interruption == nil else { return true }
            state.continuation = continuation
            return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
        return !isCancelled
    }

    /// The call is about to be made in `session`. False if nobody waits for it any more.
    func start(session: BSONDocument?) -> Bool {
        state.withLock { state in
            guard state.interruption == nil else {
                state.phase = .ended
                return false
            }
            state.phase = .running(session: session)
            return true
        }
    }

    var isInterrupted: Bool { state.withLock { $0.interruption != nil } }

    /// The call has returned. False if nobody was waiting for it any more.
    @discardableResult
    func end(_ result: Result<BSONDocument, MongoError>) -> Bool {
        let (continuation, interruption) = state.withLock { state in
            state.phase = .ended
            return (state.continuation.take(), state.interruption)
        }
        switch (result, interruption) {
        case (.success(let reply), _): continuation?.resume(returning: reply)
        case (.failure(let error), nil): continuation?.resume(throwing: error)
        case (.failure(let error), .some(let interruption)):
            continuation?.resume(throwing: failure(interruption, mayHaveHappened: error.mayHaveHappened))
        }
        return continuation != nil
    }

    /// Takes note of an interruption; returns the session whose work the server is to end, if it works on it.
    func interrupt(_ reason: Interruption) -> BSONDocument? {
        let (session, continuation) = state.withLock {
            state -> (BSONDocument?, CheckedContinuation<BSONDocument, any Error>?) in
            guard !state.isEnding else { return (nil, nil) }
            switch state.phase {
            case .ended:
                return (nil, nil)
            case .waiting:
                state.isEnding = true
                state.interruption = state.interruption ?? reason
                return (nil, state.continuation.take())
            case .running(let session):
                state.isEnding = true
                state.interruption = state.interruption ?? reason
                state.leaveAt = min(state.leaveAt, .now.advanced(by: grace))
                return (session, nil)
            }
        }
        switch reason {
        case .cancelled: continuation?.resume(throwing: CancellationError())
        case .deadline: continuation?.resume(throwing: deadlineError(mayHaveHappened: false))
        }
        return session
    }

    /// What is to be done about the call at `now`: the caller goes first, and the server is told that nobody waits any more.
    /// One that minds the deadline itself is given half the grace for it.
    func due(_ now: ContinuousClock.Instant) -> (abandonment: Bool, interruption: Bool) {
        let interruptAt = request.takesMaxTime ? deadline.instant.advanced(by: grace / 2) : deadline.instant
        return state.withLock { state in
            if case .ended = state.phase { return (false, false) }
            return (state.continuation != nil && now >= state.leaveAt, !state.isEnding && now >= interruptAt)
        }
    }

    /// Lets the caller go on although the call has not returned. Only one that has begun may have happened.
    func abandon() {
        let (continuation, interruption, hasBegun) = state.withLock { state in
            let interruption = state.interruption ?? .deadline
            state.interruption = interruption
            if case .running = state.phase { return (state.continuation.take(), interruption, true) }
            return (state.continuation.take(), interruption, false)
        }
        let mayHaveHappened = hasBegun && request.isWrite
        continuation?.resume(throwing: failure(interruption, mayHaveHappened: mayHaveHappened))
    }

    /// What the caller learns after an interruption.
    private func failure(_ interruption: Interruption, mayHaveHappened: Bool) -> any Error {
        switch interruption {
        case .deadline:
            deadlineError(mayHaveHappened: mayHaveHappened)
        case .cancelled where mayHaveHappened:
            MongoError(.cancelled, "cancelled", operation: request.operation, mayHaveHappened: true)
        case .cancelled:
            CancellationError()
        }
    }

    private func deadlineError(mayHaveHappened: Bool) -> MongoError {
        MongoError(
            .deadlineExceeded, "deadline passed", operation: request.operation, mayHaveHappened: mayHaveHappened)
    }
}
