import ClientSupport
package import Foundation
package import QuartetCore

/// The outbox in memory.
package struct FakeOutboxStore: OutboxStore {
    package let database: FakeDatabase

    package init(database: FakeDatabase = FakeDatabase()) {
        self.database = database
    }

    package func holdShards(of sink: OutboxSink, owner: UUID, leaseDuration: Duration) async throws -> [Int] {
        let (shards, gaveBack) = try database.run(.holdShards) { state, transaction in
            let now = transaction.date
            let end = now.addingTimeInterval(leaseDuration.seconds)
            state.relays[sink, default: [:]][owner] = end
            var cursors = state.cursors[sink] ?? [:]
            for shard in 0..<database.shardCount where cursors[shard] == nil { cursors[shard] = FakeDatabase.Cursor() }

            let others = state.relays[sink, default: [:]].count { $0.key != owner && $0.value > now }
            let share = (cursors.count + others) / (others + 1)
            let candidates = cursors.keys.filter { shard in
                cursors[shard].map { $0.owner == nil || $0.owner == owner || $0.ownedUntil <= now } ?? false
            }.sorted { (cursors[$0]?.owner == owner ? 0 : 1, $0) < (cursors[$1]?.owner == owner ? 0 : 1, $1) }
            var gaveBack = false
            for (place, shard) in candidates.enumerated() {
                if place < share {
                    cursors[shard]?.owner = owner
                    cursors[shard]?.ownedUntil = end
                } else if cursors[shard]?.owner == owner {
                    cursors[shard]?.owner = nil
                    gaveBack = true
                }
            }
            state.cursors[sink] = cursors
            return (candidates.prefix(share).sorted(), gaveBack)
        }
        if gaveBack { database.ring(.shards) }
        return shards
    }

    package func releaseShards(of sink: OutboxSink, owner: UUID) async throws {
        try database.run(.releaseShards) { state, _ in
            state.relays[sink]?[owner] = nil
            for (shard, cursor) in state.cursors[sink] ?? [:] where cursor.owner == owner {
                state.cursors[sink]?[shard]?.owner = nil
            }
        }
        database.ring(.shards)
    }

    package func read(sink: OutboxSink, owner: UUID, limit: Int) async throws -> [OutboxRow] {
        try database.run(.read) { state, transaction in
            let edge = state.openTransactions.keys.min() ?? .max
            let rows = state.outbox.filter { row in
                guard let cursor = state.owned(row.shard, of: sink, by: owner, at: transaction.date) else {
                    return false
                }
                return row.position > cursor.position && row.position.transaction < edge
            }
            return Array(rows.sorted { $0.position < $1.position }.prefix(limit))
        }
    }

    package func advance(sink: OutboxSink, owner: UUID, to positions: [Int: OutboxPosition]) async throws -> Int {
        try database.run(.advance) { state, transaction in
            var moved = 0
            for (shard, position) in positions {
                guard let cursor = state.owned(shard, of: sink, by: owner, at: transaction.date),
                    cursor.position < position
                else { continue }
                state.cursors[sink]?[shard]?.position = position
                moved += 1
            }
            return moved
        }
    }

    package func holdUp(olderThan age: Duration) async throws -> OutboxHoldUp? {
        try database.run(.holdUp) { state, transaction in
            guard let (number, since) = state.openTransactions.min(by: { $0.key < $1.key }) else { return nil }
            let latest = transaction.date.addingTimeInterval(-age.seconds)
            let waits = state.outbox.contains { $0.position.transaction >= number && $0.event.occurredAt < latest }
            guard waits else { return nil }
            return OutboxHoldUp(
                transaction: number, processID: 1, applicationName: "fake",
                age: .seconds(transaction.date.timeIntervalSince(since)))
        }
    }

    package func backlog(sink: OutboxSink, limit: Int) async throws -> (count: Int, oldest: Duration) {
        try database.run(.backlog) { state, transaction in
            let start = OutboxPosition(transaction: 0, row: 0)
            let waiting = state.outbox.filter { $0.position > state.cursors[sink]?[$0.shard]?.position ?? start }
            let oldest = waiting.map(\.event.occurredAt).min().map { transaction.date.timeIntervalSince($0) }
            return (min(waiting.count, limit), .seconds(oldest ?? 0))
        }
    }

    package func purge(olderThan age: Duration, limit: Int) async throws -> Int {
        try database.run(.purge) { state, transaction in
            let latest = transaction.date.addingTimeInterval(-age.seconds)
            let doomed = state.outbox.filter { row in
                row.event.occurredAt < latest
                    && OutboxSink.allCases.allSatisfy { sink in
                        state.cursors[sink]?[row.shard].map { row.position <= $0.position } ?? false
                    }
            }.sorted { $0.position < $1.position }.prefix(limit)
            let ids = Set(doomed.map(\.event.id))
            state.outbox.removeAll { ids.contains($0.event.id) }
            return ids.count
        }
    }

    package func wakeups(of sink: OutboxSink) -> AsyncStream<OutboxBell> { database.listen(sink) }
}

extension FakeDatabase.State {
    /// The shard's cursor, if it is the owner's now.
    fileprivate func owned(_ shard: Int, of sink: OutboxSink, by owner: UUID, at now: Date) -> FakeDatabase.Cursor? {
        guard let cursor = cursors[sink]?[shard], cursor.owner == owner, cursor.ownedUntil > now else { return nil }
        return cursor
    }
}
