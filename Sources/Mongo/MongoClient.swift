package import ClientSupport
package import Logging
import Synchronization

/// An async client. Each connection's blocking calls have a thread of their own; callers wait for a connection, for its
/// call's answer, and not longer than their deadline.
///
/// Reads and single-document writes are repeated by themselves after a lost connection or a failover; the server knows a
/// repeated write by its number and does it once. All reads go to the primary.
package final class MongoClient: Sendable {
    let configuration: MongoConfiguration
    private let clientPool: ClientPool
    private let connections: ConnectionPool<MongoConnection>
    private let watch = CallWatch()
    private let killer: SessionKiller
    private let changeStreams = Mutex(0)

    /// Connects when it is first used.
    ///
    /// - Throws: a `.configuration` error, for instance where a TLS file can't be read.
    package init(_ configuration: MongoConfiguration, logger: Logger) throws(MongoError) {
        ClientLibrary.start()
        ClientLibrary.log(to: logger)
        self.configuration = configuration
        let clientPool = try ClientPool(configuration)
        let killer = SessionKiller(configuration)
        self.clientPool = clientPool
        self.killer = killer
        connections = ConnectionPool(
            limits: PoolLimits(connectionsMax: configuration.connectionsMax, waitingMax: configuration.waitingMax),
            backoff: configuration.backoff
        ) { [grace = configuration.cancellationGrace, watch] in
            let connection = MongoConnection(grace: grace, watch: watch, killer: killer)
            try await connection.connect(from: clientPool)
            return connection
        }
    }

    package func collection(
        _ name: String, database: String? = nil, writeConcern: MongoWriteConcern = .majority,
        readConcern: MongoReadConcern? = nil
    ) -> MongoCollection {
        MongoCollection(
            client: self, name: name, database: database ?? configuration.database, writeConcern: writeConcern,
            readConcern: readConcern)
    }

    /// Runs any command and returns its reply. It is sent once. Works on a server that is no replica set member yet.
    ///
    /// - Throws: `MongoError` unless the reply says `ok: 1`.
    @discardableResult
    package func runCommand(
        _ command: BSONDocument, database: String? = nil, deadline: Deadline? = nil
    ) async throws -> BSONDocument {
        let database = database ?? configuration.database
        let name = command.first { _ in true }?.key ?? "command"
        let request = MongoRequest(
            command: command, database: database, operation: "\(name) \(database)", isWrite: true,
            takesMaxTime: command["maxTimeMS"] == nil)
        return try await run(request, deadline: deadline)
    }

    package func ping(deadline: Deadline? = nil) async throws {
        let request = MongoRequest(
            command: ["ping": 1], database: "admin", operation: "ping", repetition: .read)
        _ = try await run(request, deadline: deadline)
    }

    /// Pings until a server answers.
    ///
    /// - Throws: the last failure once `deadline` has passed, and what trying again does not help.
    package func waitUntilAvailable(deadline: Deadline) async throws {
        var attempt = 0
        while true {
            do {
                return try await ping(deadline: min(deadline, .after(configuration.operationTimeout)))
            } catch let error as any StoreFailure where error.isRetriable && !deadline.isPast {
                let delay = configuration.backoff.delay(attempt: attempt)
                attempt += 1
                try await ContinuousClock().sleep(until: .now.advanced(by: min(delay, max(.zero, deadline.remaining))))
            }
        }
    }

    package func dropDatabase(_ name: String? = nil, deadline: Deadline? = nil) async throws {
        try await runCommand(["dropDatabase": 1], database: name, deadline: deadline)
    }

    /// Refuses what comes from now on; calls in flight end first.
    package func close() async {
        await connections.close()
        await killer.close()
    }
}

/// For the operations.
extension MongoClient {
    func deadline(_ deadline: Deadline?) -> Deadline {
        deadline ?? .after(configuration.operationTimeout)
    }

    /// One call on any connection.
    func run(_ request: MongoRequest, deadline: Deadline?) async throws -> BSONDocument {
        let deadline = self.deadline(deadline)
        let connection = try await checkout(deadline: deadline)
        defer { giveBack(connection) }
        return try await connection.call(request, deadline: deadline)
    }

    /// A connection for several calls; ``giveBack(_:)`` must follow.
    func checkout(deadline: Deadline) async throws -> MongoConnection {
        try await connections.checkout(deadline: deadline)
    }

    /// Takes effect once nothing is in flight on it.
    func giveBack(_ connection: MongoConnection) {
        connection.whenFree { [connections] in connections.giveBack(connection) }
    }

    /// A connection beside the pool's, for one change stream; ``closeChangeStream(_:)`` must follow.
    func openChangeStream() async throws -> MongoConnection {
        let isFree = changeStreams.withLock { count in
            guard count < configuration.changeStreamsMax else { return false }
            count += 1
            return true
        }
        guard isFree else {
            throw MongoError(
                .exhausted, "\(configuration.changeStreamsMax) change streams are open already", operation: "watch")
        }
        do {
            let connection = MongoConnection(grace: configuration.cancellationGrace, watch: watch, killer: killer)
            try await connection.connect(from: clientPool)
            return connection
        } catch {
            changeStreams.withLock { $0 -= 1 }
            throw error
        }
    }

    func closeChangeStream(_ connection: MongoConnection) {
        connection.whenFree { [self] in
            Task {
                await connection.close()
                changeStreams.withLock { $0 -= 1 }
            }
        }
    }
}
