import ClientSupport
import DequeModule
import NIOCore

/// The command connection as a pure state machine: what is asked waits in `outbound` until it is written, and in
/// `pending` until its reply comes, both in the order of the calls. Each method decides under the lock and returns the
/// steps to take after unlocking. It never calls anything.
///
/// A call that ends early, by its deadline or a cancellation, leaves its slot behind: the reply still comes, and has to
/// be counted so that the next one reaches its own caller.
struct CommandState<Waiter> {
    typealias Instant = ContinuousClock.Instant

    /// One call: a command, or several that are answered together.
    struct Call {
        /// Nil once the caller has left.
        var waiter: Waiter?
        let expected: Int
        /// The replies so far, of a call that expects several.
        var replies: [RedisValue] = []
        let deadline: Instant
    }

    struct Completion {
        let waiter: Waiter
        let outcome: CallOutcome
    }

    /// What to do after unlocking.
    struct Steps {
        var completions: [Completion] = []
        var next = Reachability.Next.nothing
        /// Call ``CommandState/takeOutbound(now:)`` on the event loop and write what it gives.
        var flush = false
        /// Call ``CommandState/timerDue(_:now:)`` with this instant when it has come.
        var timer: Instant?
        /// The connection is of no more use.
        var disconnect = false
        /// The connection that went was not needed, or is replaced before anybody misses it.
        var lostNothing: Bool {
            switch next {
            case .nothing: true
            case .connect: completions.isEmpty
            case .retry: false
            }
        }
        /// Whoever waits for the end of everything.
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    enum Admission {
        /// `call` names it to ``CommandState/cancel(_:)``.
        case admitted(call: UInt64, Steps)
        case refused(RedisError)
    }

    struct Limits {
        let inFlightMax: Int
        let outboundBytesMax: Int
        let stallTimeout: Duration
        let location: String
    }

    private let limits: Limits
    private(set) var reachability: Reachability
    private var pending = Deque<Call>()
    /// The number of the first call in `pending`; the others follow.
    private var firstCall: UInt64 = 1
    private(set) var commandsInFlight = 0
    private var callsUnwritten = 0
    private var waiting = 0
    private var outbound = ByteBuffer()
    private var isWritable = true
    private var isFlushScheduled = false
    private var timer: Instant?
    /// When the server last sent something, or was last asked something while it owed nothing.
    private var lastProgress: Instant?
    /// Why the connection is being dropped, when that was decided here.
    private var dropReason: RedisError?
    private var isClosing = false
    private var closers: [CheckedContinuation<Void, Never>] = []

    /// Expiry is looked at no more often than this.
    private static var timerInterval: Duration { .milliseconds(2) }

    init(limits: Limits, backoff: Backoff) {
        self.limits = limits
        reachability = Reachability(backoff: backoff)
    }
}

// What callers do.
extension CommandState {
    /// Takes a call of `count` commands, which `write` appends, `size` bytes in all.
    mutating func add(
        _ waiter: Waiter, count: Int, size: Int, deadline: Instant, now: Instant,
        write: (inout ByteBuffer) -> Void
    ) -> Admission {
        if let refusal = refusal(count: count, size: size, deadline: deadline, now: now) { return .refused(refusal) }
        var steps = Steps()
        pending.append(Call(waiter: waiter, expected: count, deadline: deadline))
        waiting += 1
        commandsInFlight += count
        callsUnwritten += 1
        write(&outbound)
        if let id = reachability.want() { steps.next = .connect(id) }
        steps.flush = scheduleFlush()
        arm(deadline, &steps)
        return .admitted(call: firstCall + UInt64(pending.count) - 1, steps)
    }

    /// The waiter of `call`, unless it has been resumed. Its slot stays.
    mutating func cancel(_ call: UInt64) -> (waiter: Waiter?, steps: Steps) {
        guard call >= firstCall, call < firstCall + UInt64(pending.count) else { return (nil, Steps()) }
        let waiter = takeWaiter(at: Int(call - firstCall))
        return (waiter, stepsIfDrained())
    }

    /// Refuses what comes from now on; `closer` is resumed when every call has ended.
    mutating func close(_ closer: CheckedContinuation<Void, Never>) -> Steps {
        isClosing = true
        closers.append(closer)
        return stepsIfDrained()
    }

    private func refusal(count: Int, size: Int, deadline: Instant, now: Instant) -> RedisError? {
        if isClosing { return RedisError(.closed, "the client is closed", location: limits.location) }
        if let failure = reachability.failure { return failure }
        if deadline <= now {
            return RedisError(.deadlineExceeded, "the deadline passed before the call", location: limits.location)
        }
        if commandsInFlight + count > limits.inFlightMax {
            return RedisError(
                .overloaded, "\(commandsInFlight) commands wait for their reply already", location: limits.location)
        }
        if outbound.readableBytes > 0, outbound.readableBytes + size > limits.outboundBytesMax {
            return RedisError(
                .overloaded, "\(outbound.readableBytes) bytes wait to be sent already", location: limits.location)
        }
        return nil
    }
}

// What the connection tells.
extension CommandState {
    /// Connection `id` is ready for commands. False if it is not wanted any more: close it.
    mutating func connected(_ id: ConnectionID) -> (isWanted: Bool, steps: Steps) {
        var steps = Steps()
        guard reachability.connected(id) else { return (false, steps) }
        isWritable = true
        dropReason = nil
        steps.flush = scheduleFlush()
        return (true, steps)
    }

    /// What to write now, if anything; from here on these calls may happen.
    mutating func takeOutbound(now: Instant) -> ByteBuffer? {
        isFlushScheduled = false
        guard case .up = reachability.phase, isWritable, outbound.readableBytes > 0 else { return nil }
        if callsUnwritten == pending.count { lastProgress = now }
        callsUnwritten = 0
        let bytes = outbound
        outbound = ByteBuffer()
        return bytes
    }

    mutating func writabilityChanged(_ id: ConnectionID, isWritable: Bool) -> Steps {
        var steps = Steps()
        guard reachability.isUp(id) else { return steps }
        self.isWritable = isWritable
        steps.flush = scheduleFlush()
        return steps
    }

    /// Gives each reply to the call that it answers.
    mutating func received(_ replies: [RedisValue], from id: ConnectionID, now: Instant) -> Steps {
        var steps = Steps()
        guard reachability.isUp(id) else { return steps }
        lastProgress = now
        reachability.answered()
        steps.completions.reserveCapacity(replies.count)
        for reply in replies {
            guard pending.count > callsUnwritten else {
                dropReason = RedisError(
                    .protocolViolation, "the server sent a reply that nobody asked for", location: limits.location,
                    mayHaveHappened: true)
                steps.disconnect = true
                return steps
            }
            take(reply, &steps)
        }
        let drained = stepsIfDrained()
        steps.disconnect = drained.disconnect
        steps.closers = drained.closers
        return steps
    }

    /// Connection `id` is gone, or could not be made: every call that waits fails, and says whether it was written.
    mutating func lost(_ id: ConnectionID, _ error: RedisError) -> Steps {
        var steps = Steps()
        guard reachability.phase == .connecting(id) || reachability.isUp(id) else { return steps }
        let reason = dropReason ?? error
        let written = pending.count - callsUnwritten
        let owesAnswers = written > 0 || dropReason != nil
        for (index, call) in pending.enumerated() {
            guard let waiter = call.waiter else { continue }
            let failure = reason.with(mayHaveHappened: index < written)
            steps.completions.append(Completion(waiter: waiter, outcome: .broken(after: call.replies, failure)))
        }
        firstCall += UInt64(pending.count)
        pending.removeAll()
        (commandsInFlight, callsUnwritten, waiting) = (0, 0, 0)
        outbound = ByteBuffer()
        lastProgress = nil
        dropReason = nil
        steps.next = reachability.lost(id, reason, isNeeded: !isClosing, owesAnswers: owesAnswers)
        let drained = stepsIfDrained()
        steps.closers = drained.closers
        return steps
    }

    mutating func retryDue(_ id: ConnectionID) -> Steps {
        var steps = Steps()
        if let next = reachability.retryDue(id) { steps.next = .connect(next) }
        return steps
    }

    /// A timer is due: ends the calls whose deadline has passed, and gives up a connection that is stuck. A timer that an
    /// earlier one has replaced does nothing.
    mutating func timerDue(_ due: Instant, now: Instant) -> Steps {
        var steps = Steps()
        guard timer == due else { return steps }
        timer = nil
        var next: Instant?
        for index in pending.indices where pending[index].waiter != nil {
            let deadline = pending[index].deadline
            guard deadline <= now else {
                next = min(next ?? deadline, deadline)
                continue
            }
            let replies = pending[index].replies
            guard let waiter = takeWaiter(at: index) else { continue }
            // Even one that is not yet written will be: its bytes are in line.
            let failure = RedisError(
                .deadlineExceeded, "no reply before the deadline", location: limits.location, mayHaveHappened: true)
            steps.completions.append(Completion(waiter: waiter, outcome: .broken(after: replies, failure)))
        }
        if let lastProgress, pending.count > callsUnwritten {
            let stalled = lastProgress.advanced(by: limits.stallTimeout)
            if stalled <= now {
                dropReason = RedisError(
                    .connectionLost, "the server owes replies and sent nothing for \(limits.stallTimeout)",
                    location: limits.location, mayHaveHappened: true)
                steps.disconnect = true
            } else {
                next = min(next ?? stalled, stalled)
            }
        }
        if let next { arm(max(next, now.advanced(by: Self.timerInterval)), &steps) }
        let drained = stepsIfDrained()
        steps.disconnect = steps.disconnect || drained.disconnect
        steps.closers = drained.closers
        return steps
    }
}

extension CommandState {
    private mutating func take(_ reply: RedisValue, _ steps: inout Steps) {
        commandsInFlight -= 1
        let first = pending.startIndex
        if pending[first].expected > 1 {
            pending[first].replies.append(reply)
            guard pending[first].replies.count == pending[first].expected else { return }
        }
        let call = pending.removeFirst()
        firstCall += 1
        guard let waiter = call.waiter else { return }
        waiting -= 1
        steps.completions.append(
            Completion(waiter: waiter, outcome: call.expected > 1 ? .several(call.replies) : .one(reply)))
    }

    private mutating func takeWaiter(at index: Int) -> Waiter? {
        guard let waiter = pending[index].waiter else { return nil }
        pending[index].waiter = nil
        waiting -= 1
        return waiter
    }

    private mutating func scheduleFlush() -> Bool {
        guard case .up = reachability.phase, isWritable, !isFlushScheduled, outbound.readableBytes > 0 else {
            return false
        }
        isFlushScheduled = true
        return true
    }

    private mutating func arm(_ instant: Instant, _ steps: inout Steps) {
        if let timer, timer <= instant { return }
        timer = instant
        steps.timer = instant
    }

    /// Once closing and nobody waits, the connection goes and the closers learn it.
    private mutating func stepsIfDrained() -> Steps {
        var steps = Steps()
        guard isClosing, waiting == 0 else { return steps }
        reachability.close()
        steps.disconnect = true
        steps.closers = closers
        closers = []
        return steps
    }
}
