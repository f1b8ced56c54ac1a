import ClientSupport
import Synchronization

/// One connection that any number of callers use at once, made when first needed and again when it was lost.
///
/// The pool of one behind it does the connecting, waiting and backing off: whoever gets the connection gives it back at
/// once and goes on using it, since nobody needs it alone.
final class SharedLane: Sendable {
    private let pool: ConnectionPool<PostgresConnection>
    private let current = Mutex<PostgresConnection?>(nil)

    init(_ pool: ConnectionPool<PostgresConnection>) {
        self.pool = pool
    }

    /// The connection, if it is there and works.
    var open: PostgresConnection? {
        current.withLock { connection in
            if connection?.isOpen == false { connection = nil }
            return connection
        }
    }

    /// - Throws: as `ConnectionPool.checkout(deadline:)` does.
    func connection(deadline: Deadline) async throws -> PostgresConnection {
        if let open { return open }
        let connection = try await pool.checkout(deadline: deadline)
        current.withLock { $0 = connection }
        pool.giveBack(connection)
        return connection
    }

    func close() async {
        current.withLock { $0 = nil }
        await pool.close()
    }
}
