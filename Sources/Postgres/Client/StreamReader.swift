import ClientSupport

/// The reading end of one stream: pulls batches, and cancels the statement if it is let go before the end.
final class StreamReader<Batch: Sendable>: Sendable {
    private let connection: PostgresConnection
    private let channel: OutputChannel<Batch>
    private let id: RequestID

    /// Sends the request that `kind` makes of the channel. A connection that was taken `from` a pool for this goes back
    /// once the server is done with it: at the end, or when what a reader left behind has been cancelled and drained.
    init(
        _ connection: PostgresConnection, from pool: ConnectionPool<PostgresConnection>?, deadline: Deadline,
        kind: (OutputChannel<Batch>) -> Request.Kind
    ) {
        self.connection = connection
        channel = OutputChannel(mailbox: connection.mailbox)
        id = connection.mailbox.makeID()
        let reply = pool.map { pool in Reply.whenDone { pool.giveBack(connection) } } ?? .none
        connection.submit(
            Request(id: id, kind: kind(channel), deadline: deadline, isRepeatable: false, reply: reply))
    }

    deinit {
        channel.abandon()
        connection.stop(id, .abandoned)
    }

    /// The next batch, nil after the last one.
    func next() async throws -> Batch? {
        let result = await withTaskCancellationHandler {
            await channel.next()
        } onCancel: {
            connection.stop(id, .cancelled)
        }
        switch result {
        case .success(let batch): return batch
        case .failure(let error): throw error.code == .cancelled ? CancellationError() : error
        }
    }
}

/// How a stream gets its reader once somebody iterates.
struct StreamSource<Batch: Sendable>: Sendable {
    let open: @Sendable () async throws -> StreamReader<Batch>
}
