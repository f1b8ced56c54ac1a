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
            for shard in 0..<database.shardCount where cursors[shard] == nil {
                cursors[shard] = FakeDatabase.Shard(cursor: OutboxCursor(epoch: state.epoch))
            }

            let others = state.relays[sink, default: [:]].count { $0.key != owner && $0.value > now }
            let share = (cursors.count + others) / (others + 1)
            let candidates = cursors.keys.filter { shard in
                cursors[shard].map { $0.owner == nil || $0.owner == owner || $0.ownedUntil <= now } ?? false
            }.sorted { (cursors[$0]?.owner == owner ? 0 : 1, $0) < (cursors[$1]?.owner == owner ? 0 : 1, $1) }
            var gaveBack = false
            for (place, shard) in candidates.enumerated() {
                if let cursor = cursors[shard]?.cursor, cursor.epoch != state.epoch {
                    cursors[shard]?.cursor = cursor.beginning(in: state.epoch)
                }
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

    package func read(sink: OutboxSink, owner: UUID, limit: Int) async throws -> OutboxBatch {
        try database.run(.read) { state, transaction in
            let cursors = (state.cursors[sink] ?? [:]).compactMapValues { shard in
                shard.isOwned(by: owner, at: transaction.date) && shard.cursor.epoch == state.epoch ? shard.cursor : nil
            }
            let waiting = state.outbox.filter {
                cursors[$0.shard]?.wants(transaction: $0.transaction, id: $0.id) ?? false
            }
            let sorted = waiting.sorted {
                ($0.isBehind(cursors) ? 1 : 0, $0.id) < ($1.isBehind(cursors) ? 1 : 0, $1.id)
            }
            let rows = Array(sorted.prefix(limit))
            return OutboxBatch(
                rows: rows, of: cursors, in: state.snapshot,
                notWhole: rows.count < sorted.count ? Set(cursors.keys) : [])
        }
    }

    package func advance(sink: OutboxSink, owner: UUID, past batch: OutboxBatch) async throws -> Int {
        try database.run(.advance) { state, transaction in
            var moved = 0
            for (shard, move) in batch.moves {
                guard let present = state.cursors[sink]?[shard], present.isOwned(by: owner, at: transaction.date),
                    present.cursor == move.from, move.from.epoch == state.epoch
                else { continue }
                state.cursors[sink]?[shard]?.cursor = move.to
                moved += 1
            }
            return moved
        }
    }

    package func oldestTransaction(olderThan age: Duration) async throws -> OldTransaction? {
        try database.run(.oldestTransaction) { state, transaction in
            guard let since = state.openTransactions.values.min() else { return nil }
            let present = Duration.seconds(transaction.date.timeIntervalSince(since))
            return present > age ? OldTransaction(processID: 1, applicationName: "fake", age: present) : nil
        }
    }

    package func backlog(sink: OutboxSink, limit: Int) async throws -> (count: Int, oldest: Duration) {
        try database.run(.backlog) { state, transaction in
            let waiting = state.outbox.filter { state.waits($0, for: sink) }
            let oldest = waiting.map(\.event.occurredAt).min().map { transaction.date.timeIntervalSince($0) }
            return (min(waiting.count, limit), .seconds(oldest ?? 0))
        }
    }

    package func positions(of sink: OutboxSink) async throws -> [Int: Int64] {
        try database.run(.read) { state, _ in (state.cursors[sink] ?? [:]).mapValues(\.cursor.position) }
    }

    package func shardCount() async throws -> Int { database.shardCount }

    package func rows(of shard: Int, after id: Int64, limit: Int) async throws -> [OutboxRow] {
        try database.run(.read) { state, _ in
            Array(state.outbox.filter { $0.shard == shard && $0.id > id }.sorted { $0.id < $1.id }.prefix(limit))
        }
    }

    package func purge(olderThan age: Duration, limit: Int) async throws -> Int {
        try database.run(.purge) { state, transaction in
            let latest = transaction.date.addingTimeInterval(-age.seconds)
            let doomed = state.outbox.filter { row in
                row.event.occurredAt < latest
                    && OutboxSink.usual.allSatisfy { sink in
                        state.cursors[sink]?[row.shard] != nil && !state.waits(row, for: sink)
                    }
            }.sorted { $0.id < $1.id }.prefix(limit)
            let ids = Set(doomed.map(\.event.id))
            state.outbox.removeAll { ids.contains($0.event.id) }
            return ids.count
        }
    }

    package func wakeups(of sink: OutboxSink) -> AsyncStream<OutboxBell> { database.listen(sink) }
}

extension FakeDatabase.Shard {
    func isOwned(by owner: UUID, at now: Date) -> Bool { self.owner == owner && ownedUntil > now }
}

extension FakeDatabase.State {
    /// Whether the sink has still to take the row.
    func waits(_ row: OutboxRow, for sink: OutboxSink) -> Bool {
        cursors[sink]?[row.shard]?.cursor.wants(transaction: row.transaction, id: row.id) ?? true
    }
}

extension OutboxRow {
    /// Whether the row is none that a cursor came back for.
    fileprivate func isBehind(_ cursors: [Int: OutboxCursor]) -> Bool { id > cursors[shard]?.position ?? 0 }
}
