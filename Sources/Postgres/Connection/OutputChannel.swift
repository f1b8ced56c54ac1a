import Synchronization

typealias RowChannel = OutputChannel<[PostgresRow]>
typealias ByteChannel = OutputChannel<[UInt8]>

/// Carries batches from a connection's thread to one reader, a bounded number of them: while it is full the thread
/// stops reading from the server, which then waits too.
final class OutputChannel<Batch: Sendable>: Sendable {
    private struct State {
        var batches: [Batch] = []
        var reader: CheckedContinuation<Result<Batch?, PostgresError>, Never>?
        var end: Result<Void, PostgresError>?
        var isAbandoned = false
    }

    private static var batchesMax: Int { 2 }
    private let state = Mutex(State())
    private let mailbox: Mailbox

    init(mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    // MARK: For the connection's thread

    /// False while the reader has more than enough.
    var hasRoom: Bool { state.withLock { $0.isAbandoned || $0.batches.count < Self.batchesMax } }

    /// True while the reader waits, and so would rather have a small batch now than a large one later.
    var isReaderWaiting: Bool { state.withLock { $0.reader != nil } }

    func put(_ batch: Batch) {
        let reader = state.withLock { state -> CheckedContinuation<Result<Batch?, PostgresError>, Never>? in
            guard !state.isAbandoned else { return nil }
            if state.reader == nil { state.batches.append(batch) }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: .success(batch))
    }

    /// After the last batch.
    func finish(_ error: PostgresError? = nil) {
        let end: Result<Void, PostgresError> = error.map { .failure($0) } ?? .success(())
        let reader = state.withLock { state -> CheckedContinuation<Result<Batch?, PostgresError>, Never>? in
            if state.end == nil { state.end = end }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: end.map { nil })
    }

    /// Ends it at once: what was not read is dropped, and what still comes.
    func cut(_ error: PostgresError) {
        state.withLock { state in
            state.isAbandoned = true
            state.batches = []
        }
        finish(error)
    }

    // MARK: For the reader

    /// The next batch, nil after the last one.
    func next() async -> Result<Batch?, PostgresError> {
        await withCheckedContinuation { continuation in
            let (answer, hasRoomAgain) = state.withLock { state -> (Result<Batch?, PostgresError>?, Bool) in
                if !state.batches.isEmpty {
                    let wasFull = state.batches.count >= Self.batchesMax
                    return (.success(state.batches.removeFirst()), wasFull)
                }
                if let end = state.end { return (end.map { nil }, false) }
                precondition(state.reader == nil, "one reader at a time")
                state.reader = continuation
                // The thread may hold rows back for a larger batch.
                return (nil, true)
            }
            if hasRoomAgain { mailbox.wake() }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Nobody reads any more: what still comes is dropped.
    func abandon() {
        state.withLock { state in
            state.isAbandoned = true
            state.batches = []
        }
    }
}
