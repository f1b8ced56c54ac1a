import StoreKit
import Synchronization

/// One blocking call and who waits for it. The caller may go on before the call returns: after its deadline, or a
/// cancellation, and the grace that the server has to answer then.
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
        var abandonAt: ContinuousClock.Instant?
    }

    let request: MongoRequest
    let deadline: Deadline
    private let grace: Duration
    private let state = Mutex(State())

    init(_ request: MongoRequest, deadline: Deadline, grace: Duration) {
        self.request = request
        self.deadline = deadline
        self.grace = grace
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

    /// The call has returned.
    func end(_ result: Result<BSONDocument, MongoError>) {
        let (continuation, interruption) = state.withLock { state in
            state.phase = .ended
            return (state.continuation.take(), state.interruption)
        }
        switch result {
        case .success(let reply): continuation?.resume(returning: reply)
        case .failure(let error): continuation?.resume(throwing: failure(error, interruption))
        }
    }

    /// Takes note of an interruption; returns the session whose work the server is to end, if it works on it.
    func interrupt(_ reason: Interruption) -> BSONDocument? {
        let (session, continuation) = state.withLock {
            state -> (BSONDocument?, CheckedContinuation<BSONDocument, any Error>?) in
            guard state.interruption == nil else { return (nil, nil) }
            switch state.phase {
            case .ended:
                return (nil, nil)
            case .waiting:
                state.interruption = reason
                return (nil, state.continuation.take())
            case .running(let session):
                state.interruption = reason
                state.abandonAt = .now.advanced(by: grace)
                return (session, nil)
            }
        }
        switch reason {
        case .cancelled: continuation?.resume(throwing: CancellationError())
        case .deadline: continuation?.resume(throwing: deadlineError(mayHaveHappened: false))
        }
        return session
    }

    enum Due {
        case nothing
        case interruption
        case abandonment
    }

    /// What is to be done about the call at `now`. A server that minds the deadline itself is given half the grace.
    func due(_ now: ContinuousClock.Instant) -> Due {
        let interruptAt = request.takesMaxTime ? deadline.instant.advanced(by: grace / 2) : deadline.instant
        return state.withLock { state in
            if state.continuation == nil { return .nothing }
            if let abandonAt = state.abandonAt { return now >= abandonAt ? .abandonment : .nothing }
            return now >= interruptAt ? .interruption : .nothing
        }
    }

    /// Lets the caller go on although the call has not returned.
    func abandon() {
        let (continuation, interruption) = state.withLock { ($0.continuation.take(), $0.interruption) }
        let error = MongoError(
            .connectionLost, "no answer from the server", operation: request.operation,
            mayHaveHappened: request.isWrite)
        continuation?.resume(throwing: failure(error, interruption))
    }

    /// What the caller learns of `error` after an interruption.
    private func failure(_ error: MongoError, _ interruption: Interruption?) -> any Error {
        switch interruption {
        case nil:
            error
        case .deadline:
            deadlineError(mayHaveHappened: request.isWrite)
        case .cancelled where request.isWrite:
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
