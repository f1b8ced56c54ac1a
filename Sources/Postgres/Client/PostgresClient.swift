package import ClientSupport
package import Logging
import Synchronization

/// A PostgreSQL database: single statements of many callers pipelined on a few shared connections, everything else on a
/// pool of connections used by one caller at a time.
///
/// A call without a deadline has the configuration's `statementTimeout`. A deadline or a cancelled caller cancels the
/// statement at the server. A cancelled caller gets `CancellationError` if nothing has happened, and otherwise a
/// `PostgresError` of code `cancelled` whose `mayHaveHappened` is true.
package final class PostgresClient: Sendable {
    package let configuration: PostgresConfiguration
    let logger: Logger
    let pool: ConnectionPool<PostgresConnection>
    private let lanes: [SharedLane]
    let addresses: AddressBook

    package init(_ configuration: PostgresConfiguration, logger: Logger) {
        var logger = logger
        logger[metadataKey: "postgres"] = "\(configuration.endpoint)"
        self.configuration = configuration
        self.logger = logger
        let addresses = AddressBook()
        self.addresses = addresses
        let shared = ConnectionPlan(
            configuration: configuration, role: .shared, addresses: addresses, logger: logger)
        pool = Self.makePool(
            ConnectionPlan(configuration: configuration, role: .exclusive, addresses: addresses, logger: logger),
            connectionsMax: configuration.connectionsMax)
        lanes = (0..<max(1, configuration.sharedConnectionsMax)).map { _ in
            SharedLane(Self.makePool(shared, connectionsMax: 1))
        }
    }

    private static func makePool(
        _ plan: ConnectionPlan, connectionsMax: Int
    ) -> ConnectionPool<PostgresConnection> {
        ConnectionPool(
            limits: PoolLimits(connectionsMax: connectionsMax, waitingMax: plan.configuration.waitingMax),
            backoff: plan.configuration.backoff
        ) {
            try await PostgresConnection.connect(plan)
        }
    }

    /// Lets what is on the way finish, closes the connections and refuses what comes from now on.
    package func close() async {
        for lane in lanes { await lane.close() }
        await pool.close()
    }

    /// Runs one statement, a transaction of its own, together with other callers' statements on a shared connection.
    ///
    /// For short statements: those behind a long one wait for it. A long one goes alone, and so does one that locks rows.
    /// Writes of one connection commit one after the other: many of them go faster together, in one transaction.
    ///
    /// - Parameter isAlone: on a connection that nobody else uses meanwhile.
    package func query(
        _ statement: PostgresStatement, isAlone: Bool = false, deadline: Deadline? = nil
    ) async throws -> PostgresRows {
        let deadline = limit(deadline)
        var isRepetition = false
        while true {
            let outcome = try await withLane(isAlone: isAlone, deadline: deadline) { connection in
                await connection.perform(statement.request, deadline: deadline, isRepeatable: true)
            }
            do {
                return try outcome.single()
            } catch let error as PostgresError where error.mayFareBetterElsewhere && !isRepetition {
                // The server did not do any of it.
                isRepetition = true
            }
        }
    }

    /// Runs several statements in one round trip on a shared connection.
    ///
    /// `atomic`: they take effect together; the ones after the first that fails are `skipped`. `independent`: each is a
    /// transaction of its own.
    ///
    /// - Throws: only if no connection could be had or the caller was cancelled before anything happened.
    package func pipeline(
        _ statements: [PostgresStatement], mode: PostgresPipelineMode, deadline: Deadline? = nil
    ) async throws -> [Result<PostgresRows, PostgresError>] {
        let deadline = limit(deadline)
        return try await withLane(deadline: deadline) { connection in
            try await connection.pipeline(statements, mode: mode, deadline: deadline, isRepeatable: true)
        }
    }

    func limit(_ deadline: Deadline?) -> Deadline {
        deadline ?? .after(configuration.statementTimeout)
    }

    /// Runs `body` with a shared connection; where each of them is held up, with one that nobody else uses.
    private func withLane<Value: Sendable>(
        isAlone: Bool = false, deadline: Deadline, _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        if !isAlone, let connection = try await sharedConnection(deadline: deadline) {
            return try await body(connection)
        }
        let connection = try await pool.checkout(deadline: deadline)
        defer { pool.giveBack(connection) }
        return try await body(connection)
    }

    /// The least busy of the shared connections that no statement holds up. Another one is opened only once those there are
    /// have a queue.
    private func sharedConnection(deadline: Deadline) async throws -> PostgresConnection? {
        let heldUp = ContinuousClock.now.advanced(by: .zero - Self.holdMax)
        var best: PostgresConnection?
        var unopened: SharedLane?
        var isHeldUp = false
        for lane in lanes {
            if let connection = lane.open {
                if connection.mailbox.isHeldUp(since: heldUp) {
                    isHeldUp = true
                } else if connection.outstanding < best?.outstanding ?? .max {
                    best = connection
                }
            } else if unopened == nil {
                unopened = lane
            }
        }
        guard let best else {
            if let unopened { return try await unopened.connection(deadline: deadline) }
            return isHeldUp ? nil : try await lanes[0].connection(deadline: deadline)
        }
        guard let unopened, best.outstanding >= Self.queueLengthMax else { return best }
        // One that can't be had is no reason to fail: there is one that works.
        let patience = min(deadline, .after(Self.laneOpeningTimeout))
        return (try? await unopened.connection(deadline: patience)) ?? best
    }

    /// A statement that takes longer waits for a lock, or for a disk: nothing more is sent behind it.
    private static let holdMax: Duration = .milliseconds(50)
    private static let queueLengthMax = 16
    private static let laneOpeningTimeout: Duration = .milliseconds(250)
}

extension PostgresStatement {
    /// While a batcher looks for what is held up, nobody waits long for a lock.
    var request: Request.Kind {
        guard Contention.isProbing else { return .statement(self) }
        let patience = PostgresStatement("SELECT set_config('lock_timeout', '20ms', true)", name: name)
        return .atomic([patience, self])
    }
}

extension PostgresError {
    /// The connection was lost before anything happened, or leads to a server that takes no writes any more.
    fileprivate var mayFareBetterElsewhere: Bool {
        !mayHaveHappened && (code == .connectionLost || sqlState == SQLState.readOnlyTransaction)
    }
}

/// How the statements of a pipeline stand to each other.
package enum PostgresPipelineMode: Sendable {
    /// They take effect together or not at all.
    case atomic
    /// Each is a transaction of its own.
    case independent
}

extension Outcome {
    /// The only statement's result.
    ///
    /// - Throws: `PostgresError`, or `CancellationError` where nothing has happened.
    func single() throws -> PostgresRows {
        try check()
        guard let result = results.last else { throw PostgresError(.protocolViolation, "a statement without a result") }
        return try result.get()
    }

    func check() throws {
        guard let failure else { return }
        if failure.code == .cancelled, !failure.mayHaveHappened { throw CancellationError() }
        throw failure
    }
}

extension PostgresConnection {
    func pipeline(
        _ statements: [PostgresStatement], mode: PostgresPipelineMode, deadline: Deadline, isRepeatable: Bool
    ) async throws -> [Result<PostgresRows, PostgresError>] {
        guard !statements.isEmpty else { return [] }
        switch mode {
        case .atomic:
            let outcome = await perform(.atomic(statements), deadline: deadline, isRepeatable: isRepeatable)
            guard let failure = outcome.failure else { return outcome.results }
            if failure.code == .cancelled { try outcome.check() }
            return Array(repeating: .failure(failure), count: statements.count)
        case .independent:
            let outcomes = await performIndependent(statements, deadline: deadline, isRepeatable: isRepeatable)
            let isUntouched = outcomes.allSatisfy {
                $0.failure?.code == .cancelled && $0.failure?.mayHaveHappened == false
            }
            if isUntouched { throw CancellationError() }
            return outcomes.map { outcome in
                if let failure = outcome.failure { return .failure(failure) }
                return outcome.results.first ?? .failure(ConnectionLoop.skipped)
            }
        }
    }
}
