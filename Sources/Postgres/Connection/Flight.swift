/// A request that was sent, until its answer is complete.
struct Flight {
    enum ScriptPhase {
        case running
        case copyingOut
        case copyingIn
    }

    let request: Request
    var results: [Result<PostgresRows, PostgresError>] = []
    /// What failed beside the statements themselves: BEGIN, COMMIT, the implicit commit, a script.
    var failure: PostgresError?
    /// Prepared statements it uses, for when the server disowns them.
    var keys: [StatementCache.Key] = []
    /// All of it has left for the server. Before that it can't have taken effect, since its end is what commits it.
    var isFlushed = false
    /// It may be committed although its connection was lost before its answer came: a COMMIT is run before the end of its
    /// request is read, all else by that end.
    var mayHaveTakenEffect: Bool {
        switch request.kind {
        case .transaction, .control: true
        default: isFlushed
        }
    }
    /// Its caller has an answer already; what still comes is dropped.
    var isSettled = false
    var isRollingBack = false

    var stop: StopReason?
    /// When its caller is answered, whatever has become of it.
    var answerBy: ContinuousClock.Instant?
    /// When it should have ended after the server was asked to cancel it.
    var giveUpAt: ContinuousClock.Instant?
    var isCancelSent = false
    /// A cancellation meant for a neighbour may have hit it.
    var wasExposedToCancel = false

    var rows: [PostgresRow] = []
    var copied: [UInt8] = []
    var scriptPhase: ScriptPhase?

    init(_ request: Request) {
        self.request = request
    }

    /// The first error, whose transaction it ended.
    var firstError: PostgresError? {
        if let failure { return failure }
        for case .failure(let error) in results { return error }
        return nil
    }

    mutating func settle(_ outcome: Outcome) {
        guard !isSettled else { return }
        isSettled = true
        if let failure = outcome.failure {
            request.fail(failure)
        } else {
            request.reply.send(outcome)
        }
    }
}

/// What the next result of a connection belongs to, in the order in which it was sent.
enum Expectation {
    case prepare(StatementCache.Key)
    case statement(Int)
    /// BEGIN, COMMIT or ROLLBACK.
    case control
    /// The end of a request.
    case sync
    /// A statement of the connection's own, whose failure concerns nobody.
    case upkeep
    case upkeepSync
}
