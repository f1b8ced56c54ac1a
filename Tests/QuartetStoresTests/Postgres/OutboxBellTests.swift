import Foundation
import Logging
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetRoles
import QuartetStores
import QuartetTesting
import Testing

/// Of those who write side by side one rings for all: transactions that notify commit one after the other.
@Suite(.timeLimit(.minutes(1))) struct OutboxBellTests {
    private static func emission(_ product: String) -> String {
        "SELECT events.emit('product.updated', '\(product)', 1, '{\"name\":\"P\"}')"
    }

    /// Writes a row and leaves the transaction open, with the right to ring for others: who is held up by a busy machine has none.
    private static func begin(_ product: String, in session: PostgresSession) async throws {
        let has = PostgresStatement(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())")
        while true {
            try await session.execute(script: "BEGIN; \(emission(product))")
            if try await session.query(has).single().decode(0, as: Bool.self) { return }
            try await session.execute(script: "ROLLBACK")
        }
    }

    @Test func oneRingsForAllAndTheOthersAreSeenInFlight() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases)
            let client = try databases.client(of: .dropship)
            var bells = outbox.wakeups(of: .events).makeAsyncIterator()
            // Somebody listens from now on.
            #expect(await bells.next() == .rows)
            var rings: [OutboxBell] = []
            // On a busy machine the second may be long under way too, and rings for itself.
            while rings != [.rows, .shards] {
                let owner = UUID()
                _ = try await outbox.holdShards(of: .events, owner: owner, leaseDuration: .seconds(60))
                try await client.withSession { first in
                    try await Self.begin("first", in: first)
                    try await client.execute(script: Self.emission("second"))
                    let batch = try await outbox.read(sink: .events, owner: owner, limit: 10)
                    #expect(batch.rows.last?.event.aggregateID == "second" && batch.areOthersInFlight)
                    #expect(try await outbox.advance(sink: .events, owner: owner, past: batch) > 0)
                    // There is nothing to deliver, and yet it is told.
                    let empty = try await outbox.read(sink: .events, owner: owner, limit: 10)
                    #expect(empty.isEmpty && empty.areOthersInFlight)
                    try await first.execute(script: "COMMIT")
                }
                try await outbox.releaseShards(of: .events, owner: owner)
                rings = []
                while rings.last != .shards, let bell = await bells.next() { rings.append(bell) }
            }
        }
    }

    /// Who is under way for long can't have others wait for its bell.
    @Test func aTransactionThatTakesLongRingsForItselfAlone() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases)
            let client = try databases.client(of: .dropship)
            var bells = outbox.wakeups(of: .events).makeAsyncIterator()
            #expect(await bells.next() == .rows)
            try await client.withSession { first in
                try await first.execute(script: "BEGIN; SELECT pg_sleep(0.06); \(Self.emission("first"))")
                try await client.execute(script: Self.emission("second"))
                #expect(await bells.next() == .rows)
                try await first.execute(script: "COMMIT")
                #expect(await bells.next() == .rows)
            }
        }
    }

    @Test func aRelayLooksAgainForWhoDidNotRing() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let (events, delivered) = AsyncStream.makeStream(of: String.self)
            var configuration = RelayConfiguration()
            // Nothing is found by a look without a reason.
            configuration.pollInterval = .seconds(3_600)
            let relay = Relay(
                database: "dropship", configuration: Live(configuration),
                outbox: try PostgresOutboxStore(databases: databases), delivery: Told(delivered),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let client = try databases.client(of: .dropship)
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { try await relay.run() }
                var told = events.makeAsyncIterator()
                try await client.execute(script: Self.emission("before"))
                #expect(await told.next() == "before")
                try await client.withSession { first in
                    try await Self.begin("rings", in: first)
                    try await client.withSession { second in
                        try await second.execute(script: "BEGIN; \(Self.emission("does not"))")
                        try await first.execute(script: "COMMIT")
                        #expect(await told.next() == "rings")
                        try await second.execute(script: "COMMIT")
                        #expect(await told.next() == "does not")
                    }
                }
                group.cancelAll()
            }
        }
    }
}

private struct Told: OutboxDelivery {
    let sink = OutboxSink.events
    private let told: AsyncStream<String>.Continuation

    init(_ told: AsyncStream<String>.Continuation) { self.told = told }

    func deliver(_ events: [DomainEvent], lull: @escaping @Sendable () async -> Void) async throws {
        for event in events { told.yield(event.aggregateID) }
    }
}
