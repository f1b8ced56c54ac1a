package import Foundation

/// An event as it waits in the outbox.
package struct OutboxRow: Sendable, Hashable {
    /// A read gives a shard's first so many rows, however many shards it reads: fewer rows than that are all there are.
    package static let perShardMin = 16

    package let shard: Int
    /// Larger than that of every earlier row of the same aggregate.
    package let id: Int64
    package let transaction: UInt64
    package let event: DomainEvent

    package init(shard: Int, id: Int64, transaction: UInt64, event: DomainEvent) {
        self.shard = shard
        self.id = id
        self.transaction = transaction
        self.event = event
    }
}

/// What one read of the outbox gave, and how its shards' cursors move when it is delivered.
package struct OutboxBatch: Sendable, Hashable {
    package struct Move: Sendable, Hashable {
        package let from: OutboxCursor
        package let to: OutboxCursor

        package init(from: OutboxCursor, to: OutboxCursor) {
            self.from = from
            self.to = to
        }
    }

    package let rows: [OutboxRow]
    /// How many rows it moves past: those that are not the sink's need not be among `rows`.
    package let seen: Int
    /// By shard.
    package let moves: [Int: Move]
    /// Whether others may have been writing rows just then, which nobody need ring for.
    package let areOthersInFlight: Bool

    package init(rows: [OutboxRow] = [], moves: [Int: Move] = [:]) {
        self.rows = rows
        seen = rows.count
        self.moves = moves
        areOthersInFlight = false
    }

    /// - Parameters:
    ///   - rows: those that are left out have a later one of their shard among these, on the same side of its position.
    ///   - seen: how many there were with those; nil where none is left out.
    ///   - cursors: those that were read from, by shard.
    ///   - notWhole: shards of which more rows may have been there.
    package init(
        rows: [OutboxRow], seen: Int? = nil, of cursors: [Int: OutboxCursor], in snapshot: OutboxSnapshot,
        notWhole: Set<Int>
    ) {
        self.rows = rows
        self.seen = seen ?? rows.count
        areOthersInFlight = !snapshot.inFlight.isEmpty
        moves = Dictionary(grouping: rows, by: \.shard).reduce(into: [:]) { moves, read in
            guard let from = cursors[read.key] else { return }
            var to = from
            to.advance(
                past: read.value.map { ($0.transaction, $0.id) }, in: snapshot,
                isWhole: !notWhole.contains(read.key))
            moves[read.key] = Move(from: from, to: to)
        }
    }

    package var isEmpty: Bool { rows.isEmpty }
}

/// The oldest transaction in flight that has written something.
package struct OldTransaction: Sendable, Hashable {
    /// 0: a prepared one, which has no process.
    package let processID: Int
    package let applicationName: String
    package let age: Duration

    package init(processID: Int, applicationName: String, age: Duration) {
        self.processID = processID
        self.applicationName = applicationName
        self.age = age
    }
}

/// What may be new in the outbox.
package enum OutboxBell: Sendable, Hashable {
    /// Rows were written that the sink acts on.
    case rows
    /// Shards were given back, for others to take.
    case shards
}

/// The outbox of one database: events written in the same transaction as the data.
///
/// Rows are spread over shards by aggregate, and one relay at a time owns a shard of a sink, by a lease in the database's
/// time.
package protocol OutboxStore: Sendable {
    /// Takes or keeps `owner`'s fair share of the sink's shards, and gives back what is above it. A cursor of another epoch
    /// begins again at its last sure point. Returns the shards that `owner` owns until `leaseDuration` from now.
    func holdShards(of sink: OutboxSink, owner: UUID, leaseDuration: Duration) async throws -> [Int]

    /// Gives `owner`'s shards back at once.
    func releaseShards(of sink: OutboxSink, owner: UUID) async throws

    /// Up to `limit` rows that `owner`'s shards wait for, those of one aggregate in order, perhaps without those whose types
    /// are not the sink's. No open transaction holds back rows of others.
    func read(sink: OutboxSink, owner: UUID, limit: Int) async throws -> OutboxBatch

    /// Moves the cursors of `owner`'s shards past the batch. A shard that has another owner by now, whose cursor has moved
    /// since, or whose server is in another epoch stays where it is; returns how many moved.
    func advance(sink: OutboxSink, owner: UUID, past batch: OutboxBatch) async throws -> Int

    /// The oldest transaction in flight, if it is older than `age`.
    func oldestTransaction(olderThan age: Duration) async throws -> OldTransaction?

    /// How many rows of the sink wait, up to `limit`, and the oldest one's age.
    func backlog(sink: OutboxSink, limit: Int) async throws -> (count: Int, oldest: Duration)

    /// Up to which id the sink has taken rows, by shard.
    func positions(of sink: OutboxSink) async throws -> [Int: Int64]

    /// How many shards have rows, or had some.
    func shardCount() async throws -> Int

    /// The first `limit` rows of a shard behind an id, whoever has them already.
    func rows(of shard: Int, after id: Int64, limit: Int) async throws -> [OutboxRow]

    /// Removes up to `limit` rows that every sink has and that are older than `age`; returns how many.
    func purge(olderThan age: Duration, limit: Int) async throws -> Int

    /// Yields when there may be something new for the sink. One ring may be for all who write at that time, so that who listens
    /// looks again while others are in flight; and some may be missed, so that it also looks from time to time.
    func wakeups(of sink: OutboxSink) -> AsyncStream<OutboxBell>
}
