import ClientSupport
import Synchronization

struct RequestID: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt64
}

/// Something for the server to do, with who waits for it.
struct Request: Sendable {
    enum Kind: Sendable {
        /// One statement. Outside a transaction it is one of its own.
        case statement(PostgresStatement)
        /// Statements that take effect together or not at all, by PostgreSQL's implicit transaction.
        case atomic([PostgresStatement])
        /// BEGIN, the statements and COMMIT at once.
        case transaction(begin: String, [PostgresStatement])
        /// BEGIN, COMMIT, ROLLBACK and their like: never prepared, so that they work in a failed transaction too.
        case control(String)
        /// Rows as they come.
        case stream(PostgresStatement, RowChannel, chunkRows: Int)
        /// Several statements as one text, COPY among them.
        case script(String, ScriptData)
    }

    enum ScriptData: Sendable {
        case none
        case output(ByteChannel)
        case input(FeedChannel)
    }

    let id: RequestID
    let kind: Kind
    let deadline: Deadline
    /// It may be sent again if it failed only because of its neighbours or of the connection's state.
    let isRepeatable: Bool
    let reply: Reply
    var attempts = 0

    var statements: [PostgresStatement] {
        switch kind {
        case .statement(let statement), .stream(let statement, _, _): [statement]
        case .atomic(let statements), .transaction(_, let statements): statements
        case .control, .script: []
        }
    }

    /// What it is called in errors.
    var name: String {
        switch kind {
        case .statement(let statement), .stream(let statement, _, _): statement.name
        case .atomic(let statements), .transaction(_, let statements): statements.first?.name ?? ""
        case .control(let sql): sql
        case .script: ""
        }
    }

    /// It is sent only when everything before it is answered, and nothing is sent before it is.
    var needsConnectionAlone: Bool {
        switch kind {
        case .stream, .script: true
        default: false
        }
    }

    func fail(_ error: PostgresError) {
        switch kind {
        case .stream(_, let channel, _): channel.finish(error)
        case .script(_, .output(let channel)): channel.finish(error)
        case .script(_, .input(let channel)): channel.refuse(error)
        default: break
        }
        reply.send(Outcome(failure: error))
    }
}

/// What became of a request: one result per statement, or why there are none.
struct Outcome: Sendable {
    var results: [Result<PostgresRows, PostgresError>] = []
    /// The request as a whole failed: it was not sent, the connection went away, BEGIN or COMMIT failed.
    var failure: PostgresError?
}

/// Who waits for an outcome.
enum Reply: Sendable {
    case one(CheckedContinuation<Outcome, Never>)
    case gathered(OutcomeGathering, index: Int)
    /// The rest of what there is to know went another way; called on the connection's thread, once it is done.
    case whenDone(@Sendable () -> Void)
    case none

    func send(_ outcome: Outcome) {
        switch self {
        case .one(let continuation): continuation.resume(returning: outcome)
        case .gathered(let gathering, let index): gathering.put(outcome, at: index)
        case .whenDone(let act): act()
        case .none: break
        }
    }
}

/// Outcomes of several requests for one caller.
final class OutcomeGathering: Sendable {
    private struct State {
        var outcomes: [Outcome]
        var missing: Int
    }

    private let state: Mutex<State>
    private let continuation: CheckedContinuation<[Outcome], Never>

    init(count: Int, continuation: CheckedContinuation<[Outcome], Never>) {
        precondition(count > 0, "an outcome to wait for")
        state = Mutex(State(outcomes: Array(repeating: Outcome(), count: count), missing: count))
        self.continuation = continuation
    }

    func put(_ outcome: Outcome, at index: Int) {
        let complete = state.withLock { state -> [Outcome]? in
            state.outcomes[index] = outcome
            state.missing -= 1
            return state.missing == 0 ? state.outcomes : nil
        }
        if let complete { continuation.resume(returning: complete) }
    }
}
