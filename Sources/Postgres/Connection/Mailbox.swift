import Synchronization

/// What other threads ask of a connection's thread.
enum Command: Sendable {
    case submit(Request)
    case stop(RequestID, StopReason)
    /// The server has passed on a cancellation, or `failure` says why not.
    case cancelSent(failure: String?)
    case close
}

/// Why a request is to end before it is answered.
enum StopReason: Sendable {
    case cancelled
    case deadline
    /// Nobody reads the result any more.
    case abandoned
}

/// The way into a connection's thread: a queue behind a lock, and a descriptor that wakes the thread when it sleeps.
final class Mailbox: Sendable {
    private struct State {
        var commands: [Command] = []
        var isAsleep = false
        /// A channel has changed since the thread last looked.
        var hasNews = false
        /// Set once the thread takes no more commands.
        var end: PostgresError?
        var isInTransaction = false
        /// It is to end once everything handed in is answered.
        var isClosing = false
        /// The request that the server works on, and since when.
        var front: (id: RequestID, since: ContinuousClock.Instant)?
        var isPooled = false
    }

    private let state = Mutex(State())
    private let wakeDescriptor: WakeDescriptor
    /// Requests that were handed in and have no answer yet.
    let outstanding = Atomic<Int>(0)
    private let lastID = Atomic<UInt64>(0)

    init() throws(PostgresError) {
        wakeDescriptor = try WakeDescriptor()
    }

    var descriptor: Int32 { wakeDescriptor.descriptor }

    /// True while requests are taken and no transaction was left open.
    var isUsable: Bool { state.withLock { $0.end == nil && !$0.isClosing && !$0.isInTransaction } }
    var isOpen: Bool { state.withLock { $0.end == nil && !$0.isClosing } }

    /// A pool gives the server's session to others between two transactions.
    var isPooled: Bool {
        get { state.withLock { $0.isPooled } }
        set { state.withLock { $0.isPooled = newValue } }
    }

    /// Whether one request has kept all others waiting since `instant`, or longer.
    func isHeldUp(since instant: ContinuousClock.Instant) -> Bool {
        state.withLock { state in state.front.map { $0.since <= instant } ?? false }
    }

    /// Says which request the server works on.
    func setFront(_ id: RequestID?) {
        state.withLock { state in
            guard state.front?.id != id else { return }
            state.front = id.map { ($0, .now) }
        }
    }

    func makeID() -> RequestID {
        RequestID(rawValue: lastID.add(1, ordering: .relaxed).newValue)
    }

    /// Hands in a command; returns why it was not taken, if so.
    func send(_ command: Command) -> PostgresError? {
        let (end, wake) = state.withLock { state -> (PostgresError?, Bool) in
            if let end = state.end { return (end, false) }
            state.commands.append(command)
            defer { state.isAsleep = false }
            return (nil, state.isAsleep)
        }
        if wake { wakeDescriptor.signal() }
        return end
    }

    /// Has the connection end; it is not usable from now on.
    func close() {
        state.withLock { $0.isClosing = true }
        _ = send(.close)
    }

    /// Makes the thread look at its channels.
    func wake() {
        let wake = state.withLock { state in
            state.hasNews = true
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wake { wakeDescriptor.signal() }
    }

    // MARK: For the connection's thread

    /// Everything handed in so far; `buffer` gives its memory in exchange.
    func take(into buffer: inout [Command]) {
        buffer.removeAll(keepingCapacity: true)
        state.withLock { state in
            state.hasNews = false
            swap(&state.commands, &buffer)
        }
    }

    /// False if there is something to look at already; otherwise whoever comes next wakes the thread.
    func fallAsleep() -> Bool {
        state.withLock { state in
            state.isAsleep = state.commands.isEmpty && !state.hasNews
            return state.isAsleep
        }
    }

    /// After `poll`: nobody needs to wake the thread now.
    func wakeUp(wasSignalled: Bool) {
        state.withLock { $0.isAsleep = false }
        if wasSignalled { wakeDescriptor.clear() }
    }

    func setInTransaction(_ isInTransaction: Bool) {
        state.withLock { $0.isInTransaction = isInTransaction }
    }

    /// Takes no more commands from now on, and returns those that nobody looked at.
    func end(_ error: PostgresError) -> [Command] {
        state.withLock { state in
            state.end = error
            defer { state.commands = [] }
            return state.commands
        }
    }
}
