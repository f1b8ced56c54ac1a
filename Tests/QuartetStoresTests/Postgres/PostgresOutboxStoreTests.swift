import ClientSupport
import Foundation
import Postgres
import QuartetCore
import QuartetDatabases
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

            let batch = try await outbox.read(sink: .queue, owner: owner, limit: 10)
            #expect(batch.rows.map(\.event.aggregateID) == ["c"])
            #expect(try await outbox.advance(sink: .queue, owner: owner, past: batch) == 1)
            let error = await #expect(throws: PostgresStoreError.self) {
                try await outbox.read(sink: .queue, owner: owner, limit: 10)
            }
            #expect(error?.code == .unreadableRow)
            #expect(error?.description.contains("outbox row dropship-1-") == true)
            #expect(error?.description.contains("future.thing") == true)
        }
    }

    @Test("the youngest transaction, which no snapshot lists, loses nothing by an older one that is faster")
    func youngestTransaction() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases)
            let owner = UUID()
            try await outbox.setShards(1)
            _ = try await outbox.holdShards(of: .events, owner: owner, leaseDuration: .seconds(60))
            let client = try databases.client(of: .dropship)
            func emission(_ product: String) -> String {
                "SELECT events.emit('product.updated', '\(product)', 1, '{\"name\":\"P\"}')"
            }
            func read() async throws -> [String] {
                let batch = try await outbox.read(sink: .events, owner: owner, limit: 10)
                #expect(try await outbox.advance(sink: .events, owner: owner, past: batch) == 1)
                return batch.rows.map(\.event.aggregateID)
            }
            try await client.withSession { older in
                try await older.execute(script: "BEGIN; SELECT pg_current_xact_id()")
                try await client.withSession { younger in
                    try await younger.execute(script: "BEGIN; \(emission("slow"))")
                    try await older.execute(script: "\(emission("fast")); COMMIT")
                    #expect(try await read() == ["fast"])
                    try await younger.execute(script: "COMMIT")
                    #expect(try await read() == ["slow"])
                }
            }
        }
    }

    @Test("after the number of shards was made smaller, the others are read to their ends")
    func fewerShards() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases)
            let (before, after) = (UUID(), UUID())
            try await outbox.setShards(16)
            #expect(try await outbox.holdShards(of: .queue, owner: before, leaseDuration: .zero).count == 16)
            try await insert(databases.client(of: .dropship), "(15, 'product.updated', 'a')")
            try await outbox.setShards(4)
            #expect(try await outbox.holdShards(of: .queue, owner: after, leaseDuration: .seconds(60)).count == 16)
            let batch = try await outbox.read(sink: .queue, owner: after, limit: 10)
            #expect(batch.rows.map(\.shard) == [15])
            #expect(try await outbox.backlog(sink: .queue, limit: 10).count == 1)
        }
    }

    @Test("rows are kept for the sinks in use only")
    func sinksInUse() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases, sinks: [.queue])
            let owner = UUID()
            _ = try await outbox.holdShards(of: .queue, owner: owner, leaseDuration: .seconds(60))
            try await insert(databases.client(of: .dropship), "(3, 'product.updated', 'a')")
            let batch = try await outbox.read(sink: .queue, owner: owner, limit: 10)
            #expect(try await outbox.advance(sink: .queue, owner: owner, past: batch) == 1)
            #expect(try await outbox.purge(olderThan: .zero, limit: 10) == 1)
        }
    }

    @Test("the oldest transaction is named, also a prepared one")
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
            // Transactions of other tests may be older for a while.
            let deadline = Deadline.after(.seconds(20))
            var oldest: OldTransaction?
            repeat {
                await Task.yield()
                oldest = try await outbox.oldestTransaction(olderThan: .zero)
            } while oldest?.processID != 0 && !deadline.isPast
            #expect(try await outbox.oldestTransaction(olderThan: .seconds(3600)) == nil)
            try await client.withSession { try await $0.execute(script: "ROLLBACK PREPARED 'forgotten'") }
            #expect(oldest?.processID == 0 && oldest?.applicationName == "prepared transaction forgotten")
        }
    }

    @Test("what was delivered and is kept costs a read nothing, also beside a transaction to come back for")
    func keptRows() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let client = try databases.client(of: .dropship)
            try await client.execute(
                script: """
                    SELECT events.emit('product.updated', array_agg('p' || n), array_agg(n), array_agg('{"name":"P"}'::json))
                    FROM generate_series(1::bigint, 20000) n;
                    INSERT INTO events.outbox_cursors (sink, shard, epoch, position, pending, pending_after)
                    SELECT 'events', shard, events.epoch(), 1000000, '{1}', '{0}' FROM generate_series(0, 7) shard;
                    ANALYZE
                    """)
            let plan = try await client.withSession { session in
                let waiting = """
                    EXPLAIN (ANALYZE, BUFFERS, TIMING off, SUMMARY off)
                    SELECT o.* FROM events.outbox_cursors c
                        CROSS JOIN LATERAL events.outbox_waiting(c.shard, c.position, c.pending, c.pending_after, 100) o
                    """
                return try await session.query(PostgresStatement(waiting)).map { try $0.decode(0, as: String.self) }
            }
            // The first line's buffers are those of all of it.
            let text = plan.joined(separator: "\n")
            let buffers = try #require(text.firstMatch(of: /shared hit=(\d+)/)).output.1
            #expect(Int(buffers).map { $0 < 200 } == true, "\(text)")
        }
    }

    /// Inserts rows of (shard, type, aggregate), as another build would.
    private func insert(_ client: PostgresClient, _ rows: String) async throws {
        try await client.execute(
            script: """
                INSERT INTO events.outbox (shard, epoch, type, aggregate_id, version, payload)
                SELECT shard, 1, type, aggregate_id, 1, '{}' FROM (VALUES \(rows)) AS v (shard, type, aggregate_id)
                """)
    }
}
