import StoreKit

/// The reading end of one stream: pulls batches, and cancels the statement if it is let go before the end.
final class StreamReader<Batch: Sendable>: Sendable {
    private let connection: PostgresConnection
    private let channel: OutputChannel<Batch>
    private let id: RequestID
    /// Where the connection goes afterwards, if it was taken for this.
    private let pool: ConnectionPool<PostgresConnection>?

    /// Sends the request that `kind` makes of the channel.
    init(
        _ connection: PostgresConnection, from pool: ConnectionPool<PostgresConnection>?, deadline: Deadline,
        kind: (OutputChannel<Batch>) -> Request.Kind
    ) {
        self.connection = connection
        self.pool = pool
        channel = OutputChannel(mailbox: connection.mailbox)
        id = connection.mailbox.makeID()
        connection.submit(
            Request(id: id, kind: kind(channel), deadline: deadline, isRepeatable: false, reply: .none))
    }

    deinit {
        // The next user's request waits in the connection until what is left has been cancelled and drained.
        channel.abandon()
        connection.stop(id, .abandoned)
        pool?.giveBack(connection)
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
