import Synchronization

/// Carries the bytes of a COPY FROM from one writer to a connection's thread, one piece at a time.
final class FeedChannel: Sendable {
    enum Piece: Sendable {
        case bytes([UInt8])
        case end(complaint: String?)
    }

    private struct State {
        var piece: Piece?
        var writer: CheckedContinuation<Bool, Never>?
        var isRefused = false
    }

    private let state = Mutex(State())
    private let mailbox: Mailbox

    init(mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    /// Waits until libpq has taken `piece`; false once nothing more is wanted.
    func write(_ piece: Piece) async -> Bool {
        await withCheckedContinuation { continuation in
            let isRefused = state.withLock { state in
                guard !state.isRefused else { return true }
                precondition(state.writer == nil, "one writer at a time")
                state.piece = piece
                state.writer = continuation
                return false
            }
            if isRefused { continuation.resume(returning: false) } else { mailbox.wake() }
        }
    }

    // MARK: For the connection's thread

    /// What is to be sent next; it stays until ``taken()``.
    var piece: Piece? { state.withLock { $0.piece } }

    func taken() {
        let writer = state.withLock { state in
            defer { (state.piece, state.writer) = (nil, nil) }
            return state.writer
        }
        writer?.resume(returning: true)
    }

    /// Nothing more is wanted: the COPY has ended.
    func refuse(_: PostgresError? = nil) {
        let writer = state.withLock { state in
            state.isRefused = true
            defer { (state.piece, state.writer) = (nil, nil) }
            return state.writer
        }
        writer?.resume(returning: false)
    }
}
