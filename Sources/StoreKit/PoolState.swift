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
        case waitAndConnect
        case refuse(any Error)
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
        if let refuseUntil, now < refuseUntil, checkedOut == 0, let lastFailure { return .refuse(lastFailure) }
        if waiting.count >= limits.waitingMax { return .refuse(PoolError.exhausted(waitingMax: limits.waitingMax)) }
        waiting.append(waiter)
        guard checkedOut + connecting < limits.connectionsMax, connecting < waiting.count else { return .wait }
        connecting += 1
        return .waitAndConnect
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

    /// A connection could not be made: everyone who waits for one learns why.
    mutating func connectFailed(
        _ error: any Error, now: ContinuousClock.Instant, backoff: Backoff
    ) -> [Waiter] {
        connecting -= 1
        refuseUntil = now.advanced(by: backoff.delay(attempt: failuresInRow))
        failuresInRow += 1
        lastFailure = error
        guard checkedOut == 0 else { return [] }
        defer { waiting.removeAll() }
        return Array(waiting)
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
