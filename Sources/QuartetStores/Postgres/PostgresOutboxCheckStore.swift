package import Foundation
import Postgres
package import QuartetCore

/// What the checker reads of the outbox in PostgreSQL.
package struct PostgresOutboxCheckStore: OutboxCheckStore {
    private let shardCount: Int
    private let sinks: [String]
    private let waitingRows, readCursors, notify: StoreStatement

    /// - Parameter shardCount: over how many shards the outbox is spread, the same in every process.
    package init(
        databases: Databases, shardCount: Int = PostgresOutboxStore.shardCountDefault,
        sinks: [OutboxSink] = OutboxSink.allCases
    ) throws {
        let statements = try databases.statements(in: .check())
        self.shardCount = shardCount
        self.sinks = sinks.map(\.rawValue)
        waitingRows = try statements.named("waiting_rows")
        readCursors = try statements.named("cursors")
        notify = try statements.named("ring")
    }

    package func waiting(before date: Date) async throws -> [WaitingRows] {
        let rows = try await waitingRows.runAlone(date, sinks, Int32(shardCount), WaitingRows.countMax)
        return try rows.compactMap { row in
            let (name, shard, count, oldest, type) = try row.decode(
                String.self, Int.self, Int.self, Date.self, String.self)
            return OutboxSink(rawValue: name).map {
                WaitingRows(sink: $0, shard: shard, count: count, oldest: oldest, firstType: type)
            }
        }
    }

    package func cursors() async throws -> [SweepProgress.Cursor] {
        try await readCursors.run(sinks).map { row in
            let (sink, shard, transaction, id) = try row.decode(String.self, Int.self, UInt64.self, Int64.self)
            return SweepProgress.Cursor(
                sink: sink, shard: shard, position: OutboxPosition(transaction: transaction, row: id))
        }
    }

    package func ring() async throws {
        _ = try await notify.run()
    }
}
