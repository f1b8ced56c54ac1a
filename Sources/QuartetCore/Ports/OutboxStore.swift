package import Foundation

/// Where outbox rows go. Each sink has cursors of its own, so that one that is down does not hold up the other.
package enum OutboxSink: String, Sendable, Hashable, CaseIterable {
    /// The task queue in MongoDB.
    case queue
    /// The topics in Kafka.
    case events
}

extension EventType {
    /// Whether the sink acts on such events; past others it only moves.
    package func isFor(_ sink: OutboxSink) -> Bool {
        switch (sink, self) {
        case (.events, _), (.queue, .analysisRequested), (.queue, .analysisCancelled): true
        case (.queue, .analysisCompleted), (.queue, .analysisFailed), (.queue, .productUpdated),
            (.queue, .consistencyFinding):
            false
        }
    }
}

/// A place in a shard's commit order: the writing transaction, then the row within it.
package struct OutboxPosition: Sendable, Hashable, Comparable {
    package let transaction: UInt64
    package let row: Int64

    package init(transaction: UInt64, row: Int64) {
        self.transaction = transaction
        self.row = row
    }

    package static func < (left: OutboxPosition, right: OutboxPosition) -> Bool {
        (left.transaction, left.row) < (right.transaction, right.row)
    }
}

/// An event as it waits in the outbox.
package struct OutboxRow: Sendable, Hashable {
    /// A read gives a shard's first so many rows, however many shards it reads: fewer rows than that are all there are.
    package static let perShardMin = 16

    package let shard: Int
    package let position: OutboxPosition
    package let event: DomainEvent

    package init(shard: Int, position: OutboxPosition, event: DomainEvent) {
        self.shard = shard
        self.position = position
        self.event = event
    }
}

/// A transaction so old that rows behind it have waited longer than they should.
package struct OutboxHoldUp: Sendable, Hashable {
    package let transaction: UInt64
    package let processID: Int
    package let applicationName: String
    package let age: Duration

    package init(transaction: UInt64, processID: Int, applicationName: String, age: Duration) {
        self.transaction = transaction
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

/// The outbox: events written in the same transaction as the data, read in commit order.
///
/// Rows are spread over shards by aggregate, and one relay at a time owns a shard of a sink, by a lease in the database's
/// time.
package protocol OutboxStore: Sendable {
    /// Takes or keeps `owner`'s fair share of the sink's shards, and gives back what is above it. Returns the shards that
    /// `owner` owns until `leaseDuration` from now.
    func holdShards(of sink: OutboxSink, owner: UUID, leaseDuration: Duration) async throws -> [Int]

    /// Gives `owner`'s shards back at once.
    func releaseShards(of sink: OutboxSink, owner: UUID) async throws

    /// Up to `limit` rows behind the cursors of `owner`'s shards, each shard's in commit order, never past a transaction
    /// still in flight.
    func read(sink: OutboxSink, owner: UUID, limit: Int) async throws -> [OutboxRow]

    /// Moves the cursors of `owner`'s shards forward. A shard that has another owner by now stays where it is; returns how
    /// many moved.
    func advance(sink: OutboxSink, owner: UUID, to positions: [Int: OutboxPosition]) async throws -> Int

    /// The transaction that holds rows up, where the oldest waiting row is older than `age`.
    func holdUp(olderThan age: Duration) async throws -> OutboxHoldUp?

    /// How many rows of the sink wait, up to `limit`, and the oldest one's age.
    func backlog(sink: OutboxSink, limit: Int) async throws -> (count: Int, oldest: Duration)

    /// Removes up to `limit` rows that every sink has and that are older than `age`; returns how many.
    func purge(olderThan age: Duration, limit: Int) async throws -> Int

    /// Yields when there may be something new for the sink. May miss some: whoever listens also looks from time to time.
    func wakeups(of sink: OutboxSink) -> AsyncStream<OutboxBell>
}
