import Foundation
import Postgres
import QuartetCore
import QuartetMigrations
import Testing

@testable import QuartetStores

@Suite("Outbox in PostgreSQL", .serialized)
struct PostgresOutboxStoreTests {
    @Test("a row of a type that is not known stops its shard only, and is named")
    func unreadableRow() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases)
            let owner = UUID()
            _ = try await outbox.holdShards(of: .queue, owner: owner, leaseDuration: .seconds(60))
            let client = try databases.client(of: .dropship)
            try await insert(
                client, "(1, 'future.thing', 'a'), (1, 'product.updated', 'b'), (2, 'product.updated', 'c')")

            let rows = try await poll { try await outbox.read(sink: .queue, owner: owner, limit: 10) }
            #expect(rows.map(\.event.aggregateID) == ["c"])
            let last = try #require(rows.last)
            #expect(try await outbox.advance(sink: .queue, owner: owner, to: [2: last.position]) == 1)
            let error = await #expect(throws: PostgresStoreError.self) {
                try await outbox.read(sink: .queue, owner: owner, limit: 10)
            }
            #expect(error?.code == .unreadableRow)
            #expect(error?.description.contains("outbox row 1-\(last.position.transaction)-") == true)
        }
    }

    @Test("after the number of shards was made smaller, the others are read to their ends")
    func fewerShards() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let many = try PostgresOutboxStore(databases: databases, shardCount: 16)
            let few = try PostgresOutboxStore(databases: databases, shardCount: 4)
            let (before, after) = (UUID(), UUID())
            #expect(try await many.holdShards(of: .queue, owner: before, leaseDuration: .zero).count == 16)
            try await insert(databases.client(of: .dropship), "(15, 'product.updated', 'a')")
            #expect(try await few.holdShards(of: .queue, owner: after, leaseDuration: .seconds(60)).count == 16)
            let rows = try await poll { try await few.read(sink: .queue, owner: after, limit: 10) }
            #expect(rows.map(\.shard) == [15])
            #expect(try await few.backlog(sink: .queue, limit: 10).count == 1)
        }
    }

    @Test("rows are kept for the sinks in use only")
    func sinksInUse() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases, sinks: [.queue])
            let owner = UUID()
            _ = try await outbox.holdShards(of: .queue, owner: owner, leaseDuration: .seconds(60))
            try await insert(databases.client(of: .dropship), "(3, 'product.updated', 'a')")
            let rows = try await poll { try await outbox.read(sink: .queue, owner: owner, limit: 10) }
            _ = try await outbox.advance(sink: .queue, owner: owner, to: [3: try #require(rows.last).position])
            #expect(try await outbox.purge(olderThan: .zero, limit: 10) == 1)
        }
    }

    @Test("a prepared transaction that holds rows up is named")
    func preparedTransaction() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases)
            let client = try databases.client(of: .dropship)
            _ = try await outbox.holdShards(of: .queue, owner: UUID(), leaseDuration: .seconds(60))
            let allowed = try await client.query(PostgresStatement("SHOW max_prepared_transactions")).single()
            try #require(try allowed.decode(0, as: String.self) != "0", "the test server allows prepared transactions")
            try await client.withSession { session in
                try await session.execute(script: "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'forgotten'")
            }
            try await insert(client, "(1, 'product.updated', 'a')")
            // Transactions of other tests may be older for a while.
            let found = try await poll {
                let holdUp = try await outbox.holdUp(olderThan: .zero)
                return holdUp?.processID == 0 ? [holdUp] : []
            }
            try await client.withSession { try await $0.execute(script: "ROLLBACK PREPARED 'forgotten'") }
            #expect(found.first??.applicationName == "prepared transaction forgotten")
        }
    }

    /// Inserts rows of (shard, type, aggregate), as another build would.
    private func insert(_ client: PostgresClient, _ rows: String) async throws {
        try await client.execute(
            script: """
                INSERT INTO events.outbox (shard, type, aggregate_id, version, product_id, generation)
                SELECT shard, type, aggregate_id, 1, 'p', 0 FROM (VALUES \(rows)) AS v (shard, type, aggregate_id)
                """)
    }

    /// What `look` finds, once it finds something: a real server shows rows when no older transaction is in flight.
    private func poll<Found>(_ look: () async throws -> [Found]) async throws -> [Found] {
        let deadline = ContinuousClock.now.advanced(by: .seconds(20))
        while ContinuousClock.now < deadline {
            let found = try await look()
            if !found.isEmpty { return found }
            await Task.yield()
        }
        return []
    }
}
