package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// What the checker reads of one database's outbox in PostgreSQL.
package struct PostgresOutboxCheckStore: OutboxCheckStore {
    private let database: String
    private let sinks: [String]
    private let waitingRows, readCursors, notify: StoreStatement

    package init(
        databases: Databases, of database: DatabaseName = .dropship, sinks: [OutboxSink] = OutboxSink.usual
    ) throws {
        let statements = try databases.statements(in: .outbox(), of: database)
        self.database = "\(database)"
        self.sinks = sinks.map(\.rawValue)
        waitingRows = try statements.named("waiting_rows")
        readCursors = try statements.named("cursors")
        notify = try statements.named("ring")
    }

    package func waiting(before date: Date) async throws -> [WaitingRows] {
        let rows = try await waitingRows.runAlone(date, sinks, WaitingRows.countMax)
        return try rows.compactMap { row in
            let (name, shard, count, oldest, type) = try row.decode(
                String.self, Int.self, Int.self, Date.self, String.self)
            return OutboxSink(rawValue: name).map {
                WaitingRows(database: database, sink: $0, shard: shard, count: count, oldest: oldest, firstType: type)
            }
        }
    }

    package func cursors() async throws -> [SweepProgress.Cursor] {
        try await readCursors.run(sinks).map { row in
            let (sink, shard, position, epoch) = try row.decode(String.self, Int.self, Int64.self, Int.self)
            return SweepProgress.Cursor(database: database, sink: sink, shard: shard, position: position, epoch: epoch)
        }
    }

    package func ring() async throws {
        _ = try await notify.run()
    }
}
