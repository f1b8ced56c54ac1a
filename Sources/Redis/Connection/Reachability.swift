import ClientSupport

/// Counts a client's attempts to connect, so that news of an old connection is told from news of the present one.
typealias ConnectionID = UInt64

/// Whether there is a connection, and when to try for the next one.
///
/// Nothing is done before the first call. A lost connection that had answered is replaced at once; one that could not be
/// made, or never answered what it was asked, is tried again after a growing delay. One that was asked nothing may be closed
/// by a server that does so with idle connections: the next call makes another. Between a failed attempt and the next connection
/// `failure` says what is wrong, and calls fail with it instead of queueing up.
struct Reachability {
    enum Phase: Equatable {
        /// Nobody has asked for a connection.
        case idle
        case connecting(ConnectionID)
        case up(ConnectionID)
        /// The connection of this number failed; the next attempt is scheduled.
        case waiting(ConnectionID)
        /// For good.
        case closed
    }

    enum Next: Equatable {
        case nothing
        case connect(ConnectionID)
        case retry(ConnectionID, after: Duration)
    }

    private(set) var phase = Phase.idle
    private(set) var failure: RedisError?
    private let backoff: Backoff
    private var attempts: ConnectionID = 0
    private var failuresInRow = 0
    private var hasAnswered = false

    init(backoff: Backoff) {
        self.backoff = backoff
    }

    func isUp(_ id: ConnectionID) -> Bool { phase == .up(id) }

    /// Somebody wants a connection: the number of the attempt to begin, if one has to.
    mutating func want() -> ConnectionID? {
        guard phase == .idle else { return nil }
        return connect()
    }

    /// The delay after connection `id` is over.
    mutating func retryDue(_ id: ConnectionID) -> ConnectionID? {
        guard phase == .waiting(id) else { return nil }
        return connect()
    }

    /// False if the connection is no longer wanted.
    mutating func connected(_ id: ConnectionID) -> Bool {
        guard phase == .connecting(id) else { return false }
        phase = .up(id)
        failure = nil
        hasAnswered = false
        return true
    }

    /// The connection proved that it works.
    mutating func answered() {
        hasAnswered = true
        failuresInRow = 0
    }

    /// Connection `id` failed, or could not be made. Without need for another one there is nothing to be done.
    ///
    /// - Parameter owesAnswers: the server was asked something that it has not answered.
    mutating func lost(_ id: ConnectionID, _ error: RedisError, isNeeded: Bool, owesAnswers: Bool = true) -> Next {
        guard phase == .connecting(id) || phase == .up(id) else { return .nothing }
        let mayReplaceAtOnce = phase == .up(id) && hasAnswered
        let wasUnused = phase == .up(id) && !hasAnswered && !owesAnswers
        guard isNeeded, !wasUnused else {
            phase = .idle
            return .nothing
        }
        if mayReplaceAtOnce { return .connect(connect()) }
        failure = error.with(mayHaveHappened: false)
        phase = .waiting(id)
        defer { failuresInRow += 1 }
        return .retry(id, after: backoff.delay(attempt: failuresInRow))
    }

    /// No connection is wanted any more.
    mutating func close() {
        phase = .closed
    }

    private mutating func connect() -> ConnectionID {
        attempts += 1
        phase = .connecting(attempts)
        return attempts
    }
}
