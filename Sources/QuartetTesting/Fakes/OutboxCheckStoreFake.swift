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
            let start = OutboxPosition(transaction: 0, row: 0)
            return OutboxSink.allCases.flatMap { sink in
                let behind = state.outbox.filter { $0.position > state.cursors[sink]?[$0.shard]?.position ?? start }
                return Dictionary(grouping: behind, by: \.shard).values.compactMap { Self.waiting($0, for: sink) }
            }.filter { $0.oldest < date }
        }
    }

    /// One shard's rows that wait.
    private static func waiting(_ rows: [OutboxRow], for sink: OutboxSink) -> WaitingRows? {
        let counted = rows.sorted { $0.position < $1.position }.prefix(WaitingRows.countMax)
        guard let first = counted.first, let oldest = counted.map(\.event.occurredAt).min() else { return nil }
        return WaitingRows(
            sink: sink, shard: first.shard, count: counted.count, oldest: oldest, firstType: first.event.type.rawValue)
    }

    package func cursors() async throws -> [SweepProgress.Cursor] {
        try database.run(.checkStore) { state, _ in
            state.cursors.flatMap { sink, shards in
                shards.map { SweepProgress.Cursor(sink: sink.rawValue, shard: $0.key, position: $0.value.position) }
            }
        }
    }

    package func ring() async throws {
        try database.run(.checkStore) { _, _ in }
        database.ring(.rows)
    }
}
