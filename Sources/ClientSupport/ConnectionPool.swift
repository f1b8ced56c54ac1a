import Synchronization

/// What a pool holds. `isUsable` is asked when a connection comes back and when it leaves the idle list; it must not
/// block.
package protocol PooledConnection: AnyObject, Sendable {
    var isUsable: Bool { get }
    func close() async
}

package struct PoolLimits: Sendable, Hashable {
    package var connectionsMax: Int
    package var waitingMax: Int

    package init(connectionsMax: Int = 8, waitingMax: Int = 4096) {
        precondition(connectionsMax > 0 && waitingMax > 0, "a pool's limits are at least 1")
        self.connectionsMax = connectionsMax
        self.waitingMax = waitingMax
    }
}

package enum PoolError: StoreFailure, Equatable {
    case closed
    case exhausted(waitingMax: Int)

    package var mayHaveHappened: Bool { false }
    package var isRetriable: Bool { self != .closed }
    package var isUnavailable: Bool { true }

    package var description: String {
        switch self {
        case .closed: "the connection pool is closed"
        case .exhausted(let waitingMax): "\(waitingMax) callers wait for a connection already"
        }
    }
}

/// A bounded set of connections, made when they are needed, reused last in first out, given to waiters in the order in
/// which they came. A pooled connection in use is a checkout.
package final class ConnectionPool<Connection: PooledConnection>: Sendable {
    private let limits: PoolLimits
    private let backoff: Backoff
    private let connect: @Sendable () async throws -> Connection
    private let state = Mutex(PoolState<Connection>())

    package init(
        limits: PoolLimits, backoff: Backoff = Backoff(), connect: @escaping @Sendable () async throws -> Connection
    ) {
        self.limits = limits
        self.backoff = backoff
        self.connect = connect
    }

    /// Runs `body` with a connection that nobody else uses meanwhile.
    ///
    /// - Throws: the error that connecting met, `PoolError`, `DeadlineExceeded`, `CancellationError`, or what `body`
    ///   throws.
    package func withConnection<Value: Sendable>(
        deadline: Deadline, _ body: (Connection) async throws -> sending Value
    ) async throws -> sending Value {
        let connection = try await checkout(deadline: deadline)
        defer { giveBack(connection) }
        return try await body(connection)
    }

    /// Closes idle connections and refuses whoever waits; connections in use close when they come back.
    package func close() async {
        let (idle, waiting) = state.withLock { $0.close() }
        for waiter in waiting { waiter.continuation.resume(throwing: PoolError.closed) }
        for connection in idle { await connection.close() }
    }

    /// How many callers wait for a connection.
    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Takes a connection out; ``giveBack(_:)`` must follow. Prefer ``withConnection(deadline:_:)``.
    package func checkout(deadline: Deadline) async throws -> Connection {
        try Task.checkCancellation()
        while true {
            let connection = try await takeOrWait(deadline: deadline)
            if connection.isUsable { return connection }
            giveBack(connection)
        }
    }

    package func giveBack(_ connection: Connection) {
        act(on: state.withLock { $0.returned(connection, limits: limits) })
    }

    private func takeOrWait(deadline: Deadline) async throws -> Connection {
        let id = state.withLock { $0.makeID() }
        // Most callers find an idle connection; only one that has to wait pays for a timer.
        let timer = Mutex<Task<Void, Never>?>(nil)
        defer { timer.withLock { $0?.cancel() } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = PoolState<Connection>.Waiter(id: id, continuation: continuation)
                let action = state.withLock { $0.checkout(waiter, limits: limits, now: .now) }
                switch action {
                case .take(let connection): continuation.resume(returning: connection)
                case .refuse(let error): continuation.resume(throwing: error)
                case .wait, .waitAndConnect:
                    timer.withLock { $0 = expire(id, at: deadline) }
                    if case .waitAndConnect(let time) = action { startConnecting(at: time) }
                    // The cancellation may have come before there was a waiter to take back.
                    if Task.isCancelled { cancelWaiter(id) }
                }
            }
        } onCancel: {
            cancelWaiter(id)
        }
    }

    private func cancelWaiter(_ id: UInt64) {
        state.withLock { $0.removeWaiter(id) }?.continuation.resume(throwing: CancellationError())
    }

    private func expire(_ id: UInt64, at deadline: Deadline) -> Task<Void, Never> {
        Task {
            guard (try? await ContinuousClock().sleep(until: deadline.instant)) != nil else { return }
            let waiter = state.withLock { $0.removeWaiter(id) }
            waiter?.continuation.resume(throwing: DeadlineExceeded(waitingFor: "a connection"))
        }
    }

    private func startConnecting(at time: ContinuousClock.Instant? = nil) {
        Task {
            if let time {
                try? await ContinuousClock().sleep(until: time)
                guard state.withLock({ $0.connectsAgain() }) else { return }
            }
            do {
                let connection = try await connect()
                act(on: state.withLock { $0.connected(connection) })
            } catch {
                switch state.withLock({ $0.connectFailed(error, now: .now, backoff: backoff) }) {
                case .refuse(let waiters): for waiter in waiters { waiter.continuation.resume(throwing: error) }
                case .connectAgain(let time): startConnecting(at: time)
                case .none: break
                }
            }
        }
    }

    private func act(on action: PoolState<Connection>.ReturnAction) {
        switch action {
        case .keep: break
        case .handOver(let connection, let waiter): waiter.continuation.resume(returning: connection)
        case .close(let connection, let replaceIt):
            if replaceIt { startConnecting() }
            Task { await connection.close() }
        }
    }
}
