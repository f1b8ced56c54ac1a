import CLibMongoC
import ClientSupport
import Dispatch
import Synchronization

/// A libmongoc client on a serial queue of its own: its calls block that queue and nothing else.
actor MongoConnection: PooledConnection {
    private nonisolated let executor = BlockingExecutor(label: "mongo.connection")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private nonisolated let occupancy = Mutex(Occupancy())
    private nonisolated let grace: Duration
    private nonisolated let watch: CallWatch
    private nonisolated let killer: SessionKiller
    private var handle: ClientHandle?

    init(grace: Duration, watch: CallWatch, killer: SessionKiller) {
        self.grace = grace
        self.watch = watch
        self.killer = killer
    }

    /// - Throws: why no server could be reached.
    func connect(from pool: ClientPool) throws(MongoError) {
        handle = try ClientHandle(from: pool)
    }

    nonisolated var isUsable: Bool { occupancy.withLock { !$0.isClosed } }

    func close() {
        occupancy.withLock { $0.isClosed = true }
        handle = nil
    }

    /// Makes one call and returns the server's reply.
    ///
    /// Cancellation and the deadline end the operation on the server; a server that does not answer is left behind, and
    /// the connection stays occupied until its call returns. See ``whenFree(_:)``.
    ///
    /// - Throws: `MongoError`; `CancellationError` when the caller was cancelled and nothing was changed.
    nonisolated func call(_ request: MongoRequest, deadline: Deadline) async throws -> BSONDocument {
        let call = MongoCall(request, deadline: deadline, grace: grace)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard call.wait(continuation) else { return }
                occupancy.withLock { $0.users += 1 }
                watch.add(call, on: self)
                executor.queue.async {
                    self.assumeIsolated { $0.perform(call) }
                    self.watch.remove(call)
                    self.leave()
                }
            }
        } onCancel: {
            interrupt(call, .cancelled)
        }
    }

    /// Has the server end what `call` asked of it. The connection counts as occupied until the server has been told, so
    /// that its next call is not the one that is ended.
    nonisolated func interrupt(_ call: MongoCall, _ reason: MongoCall.Interruption) {
        occupancy.withLock { $0.users += 1 }
        guard let session = call.interrupt(reason) else { return leave() }
        Task {
            await killer.kill(session)
            leave()
        }
    }

    /// Runs `action` once no call is in flight: at once, mostly.
    nonisolated func whenFree(_ action: @escaping @Sendable () -> Void) {
        let isFree = occupancy.withLock { occupancy in
            guard occupancy.users > 0 else { return true }
            occupancy.onFree = action
            return false
        }
        if isFree { action() }
    }

    private nonisolated func leave() {
        let action = occupancy.withLock { occupancy in
            occupancy.users -= 1
            return occupancy.users == 0 ? occupancy.onFree.take() : nil
        }
        action?()
    }

    private struct Occupancy {
        /// A call in flight, an interruption on its way.
        var users = 0
        var onFree: (@Sendable () -> Void)?
        var isClosed = false
    }

    /// Blocks until `call` has its end.
    private func perform(_ call: MongoCall) {
        // Taken out and put back: nothing else runs on this queue meanwhile.
        guard var handle = handle.take() else {
            call.end(.failure(MongoError(.closed, "the connection is closed", operation: call.request.operation)))
            return
        }
        if call.start(session: handle.sessionID()) {
            let result = self.result(of: call, &handle)
            if !call.end(result), case .success(let reply) = result { Self.endCursor(of: reply, call, &handle) }
        }
        self.handle = consume handle
    }

    /// The cursor of a reply that came too late for its caller: nobody else knows of it.
    private static func endCursor(of reply: BSONDocument, _ call: MongoCall, _ handle: inout ClientHandle) {
        guard let cursor = reply["cursor"]?.asDocument, let id = cursor["id"]?.asInt, id != 0,
            let namespace = cursor["ns"]?.asString, let dot = namespace.firstIndex(of: ".")
        else { return }
        let collection = BSONValue.string(String(namespace[namespace.index(after: dot)...]))
        // One that can't be ended now ends by itself on the server.
        _ = handle.run(
            ["killCursors": collection, "cursors": [.int(id)]], database: call.request.database,
            operation: "killCursors", maxTimeMilliseconds: 0, writeNumber: nil)
    }

    /// Repeats what may be repeated.
    private func result(of call: MongoCall, _ handle: inout ClientHandle) -> Result<BSONDocument, MongoError> {
        let request = call.request
        let number = request.repetition == .numberedWrite ? handle.makeWriteNumber() : nil
        var attempt = 1
        // An attempt that sent nothing takes nothing back of one before it.
        var mayHaveHappened = false
        while true {
            let result = attemptOnce(call, &handle, number: number)
            guard !call.isInterrupted, request.isRepeated(after: result, attempt: attempt, isNumbered: number != nil)
            else { return mayHaveHappened ? result.mapError { $0.with(mayHaveHappened: true) } : result }
            switch result {
            case .success: mayHaveHappened = request.isWrite
            case .failure(let error): mayHaveHappened = mayHaveHappened || error.mayHaveHappened
            }
            attempt += 1
        }
    }

    private func attemptOnce(
        _ call: MongoCall, _ handle: inout ClientHandle, number: Int64?
    ) -> Result<BSONDocument, MongoError> {
        let request = call.request
        let time = call.deadline.remainingMilliseconds
        guard time > 0 else {
            return .failure(MongoError(.deadlineExceeded, "deadline passed", operation: request.operation))
        }
        let result = handle.run(
            request.command, database: request.database, operation: request.operation,
            maxTimeMilliseconds: request.takesMaxTime ? Int64(time) : 0, writeNumber: number)
        // What changes nothing has not happened, whether it was answered or not.
        return request.isWrite ? result : result.mapError { $0.with(mayHaveHappened: false) }
    }
}
