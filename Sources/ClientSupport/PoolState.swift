import DequeModule

/// The connection pool as a pure state machine: each method decides under the pool's lock and returns what to do after
/// unlocking. It never calls anything.
struct PoolState<Connection: PooledConnection> {
    struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Connection, any Error>
    }

    enum CheckoutAction {
        case take(Connection)
        case wait
        /// Now, or when the time for another attempt has come.
        case waitAndConnect(at: ContinuousClock.Instant?)
        case refuse(any Error)
    }

    enum FailureAction {
        /// Everyone who waits learns why.
        case refuse([Waiter])
        /// Those who wait go on waiting for what is checked out, and for another attempt then.
        case connectAgain(at: ContinuousClock.Instant)
        /// Nobody waits, or another attempt is on its way.
        case none
    }

    enum ReturnAction {
        case handOver(Connection, to: Waiter)
        case keep
        case close(Connection, replaceIt: Bool)
    }

    private(set) var idle: [Connection] = []
    private(set) var waiting = Deque<Waiter>()
    private var checkedOut = 0
    private var connecting = 0
    private var failuresInRow = 0
    private var refuseUntil: ContinuousClock.Instant?
    private var lastFailure: (any Error)?
    private var isClosed = false
    private var nextID: UInt64 = 0

    mutating func makeID() -> UInt64 {
        nextID += 1
        return nextID
    }

    /// A caller wants a connection. While the store can't be reached, callers between two attempts get the last
    /// attempt's error at once instead of queueing up behind it.
    mutating func checkout(_ waiter: Waiter, limits: PoolLimits, now: ContinuousClock.Instant) -> CheckoutAction {
        if isClosed { return .refuse(PoolError.closed) }
        if let connection = idle.popLast() {
            checkedOut += 1
            return .take(connection)
        }
        if !mayConnect(at: now), checkedOut == 0, let lastFailure { return .refuse(lastFailure) }
        if waiting.count >= limits.waitingMax { return .refuse(PoolError.exhausted(waitingMax: limits.waitingMax)) }
        waiting.append(waiter)
        guard checkedOut + connecting < limits.connectionsMax, connecting < waiting.count else { return .wait }
        let isEarly = !mayConnect(at: now)
        // While the store can't be reached, one attempt at a time is enough.
        if isEarly, connecting > 0 { return .wait }
        connecting += 1
        return .waitAndConnect(at: isEarly ? refuseUntil : nil)
    }

    mutating func removeWaiter(_ id: UInt64) -> Waiter? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return waiting.remove(at: index)
    }

    /// A connection was made. It belongs to whoever has waited longest.
    mutating func connected(_ connection: Connection) -> ReturnAction {
        connecting -= 1
        failuresInRow = 0
        refuseUntil = nil
        lastFailure = nil
        return place(connection)
    }

    /// A connection could not be made. Attempts that were made side by side and fail together count as one.
    mutating func connectFailed(
        _ error: any Error, now: ContinuousClock.Instant, backoff: Backoff
    ) -> FailureAction {
        connecting -= 1
        lastFailure = error
        let next: ContinuousClock.Instant
        if let refuseUntil, now < refuseUntil {
            next = refuseUntil
        } else {
            next = now.advanced(by: backoff.delay(attempt: failuresInRow))
            refuseUntil = next
            failuresInRow += 1
        }
        guard !waiting.isEmpty else { return .none }
        if checkedOut == 0 {
            defer { waiting.removeAll() }
            return .refuse(Array(waiting))
        }
        guard connecting == 0 else { return .none }
        connecting += 1
        return .connectAgain(at: next)
    }

    /// The time for another attempt has come; false where nobody waits for it any more.
    mutating func connectsAgain() -> Bool {
        if waiting.isEmpty { connecting -= 1 }
        return !waiting.isEmpty
    }

    mutating func returned(_ connection: Connection, limits: PoolLimits) -> ReturnAction {
        checkedOut -= 1
        guard !connection.isUsable else { return place(connection) }
        let replaceIt = !isClosed && !waiting.isEmpty && checkedOut + connecting < limits.connectionsMax
        if replaceIt { connecting += 1 }
        return .close(connection, replaceIt: replaceIt)
    }

    /// Nobody gets a connection any more. Returns what to close and whom to refuse; connections that are checked out are
    /// closed when they come back.
    mutating func close() -> (idle: [Connection], waiting: [Waiter]) {
        isClosed = true
        defer {
            idle = []
            waiting.removeAll()
        }
        return (idle, Array(waiting))
    }

    private func mayConnect(at now: ContinuousClock.Instant) -> Bool {
        refuseUntil.map { $0 <= now } ?? true
    }

    private mutating func place(_ connection: Connection) -> ReturnAction {
        if isClosed { return .close(connection, replaceIt: false) }
        if let waiter = waiting.popFirst() {
            checkedOut += 1
            return .handOver(connection, to: waiter)
        }
        idle.append(connection)
        return .keep
    }
}
