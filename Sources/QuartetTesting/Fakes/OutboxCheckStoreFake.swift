package import Foundation
package import QuartetCore

/// What the checker reads of the outbox in memory.
package struct FakeOutboxCheckStore: OutboxCheckStore {
    private let database: FakeDatabase

    package init(database: FakeDatabase) {
        self.database = database
    }

    package func waiting(before date: Date) async throws -> [WaitingRows] {
        try database.run(.checkStore) { state, _ in
            OutboxSink.usual.flatMap { sink in
                let behind = state.outbox.filter { state.waits($0, for: sink) }
                return Dictionary(grouping: behind, by: \.shard).values.compactMap { Self.waiting($0, for: sink) }
            }.filter { $0.oldest < date }
        }
    }

    /// One shard's rows that wait.
    private static func waiting(_ rows: [OutboxRow], for sink: OutboxSink) -> WaitingRows? {
        let counted = rows.sorted { $0.id < $1.id }.prefix(WaitingRows.countMax)
        guard let first = counted.first, let oldest = counted.map(\.event.occurredAt).min() else { return nil }
        return WaitingRows(
            database: "fake", sink: sink, shard: first.shard, count: counted.count, oldest: oldest,
            firstType: first.event.type.name)
    }

    package func cursors() async throws -> [SweepProgress.Cursor] {
        try database.run(.checkStore) { state, _ in
            state.cursors.flatMap { sink, shards in
                shards.map { shard, state in
                    SweepProgress.Cursor(
                        database: "fake", sink: sink.rawValue, shard: shard, position: state.cursor.position,
                        epoch: state.cursor.epoch)
                }
            }
        }
    }

    package func ring() async throws {
        try database.run(.checkStore) { _, _ in }
        database.ring(.rows)
    }
}
