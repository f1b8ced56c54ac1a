import Catalog
import ClientSupport
import Foundation
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetStack
import QuartetTesting
import Testing

@testable import QuartetStores

/// What the world has seen of a server's history that the server itself has lost.
@Suite("Epochs", .serialized)
struct EpochTests {
    private static let product = ProductID("p")!

    @Test("after a failover to a standby that lacks commits, what is newer is still greater, and no row is passed over")
    func failover() async throws {
        let primary = try await TestStack.privatePostgres(databases: ["shop"])
        let old = try open(primary)
        try await Migrator(databases: old, logger: PostgresTestDatabase.logger).migrate()
        let (cache, owner) = (FakeVersionedCache(), UUID())
        _ = try await rename("a", in: old)
        #expect(try await relay(old, owner, to: cache) == ["a"])
        let standby = try await TestStack.standby(of: primary)
        await standby.stop()

        // The standby is away: nobody but the relay, the caches and the callers ever sees these.
        for name in ["b", "c"] { _ = try await rename(name, in: old) }
        let outbox = try PostgresOutboxStore(databases: old)
        let lost = try await outbox.read(sink: .events, owner: owner, limit: 100)
        #expect(lost.rows.map(\.event.version) == [2, 3])
        try await cache.invalidate([CacheInvalidation(key: .product(Self.product), version: 3)])
        #expect(try await cache.put(CacheEntry(version: 3, value: [3]), at: .product(Self.product)))
        await old.close()
        await primary.kill()

        try await standby.start()
        let new = try open(standby)
        let client = try new.client(of: .dropship)
        _ = try await client.query(PostgresStatement("SELECT pg_promote()"))
        #expect(try await epoch(new) == 2)
        // Numbers are given out a second time: the ids of rows, and but for the epoch the versions.
        let renamed = try await rename("d", in: new)
        #expect(renamed.version == 1 << 40)
        // A relay that read before the failover moves no cursor past rows that it has not seen.
        let now = try PostgresOutboxStore(databases: new)
        #expect(try await now.advance(sink: .events, owner: owner, past: lost) == 0)
        #expect(try await relay(new, owner, to: cache).last == "d")
        #expect(try await cache.get(.product(Self.product)) == nil)
        #expect(try await cache.put(CacheEntry(version: renamed.version, value: [4]), at: .product(Self.product)))
        #expect(try await relay(new, owner, to: cache).isEmpty)
        await new.close()
        await standby.stop()
    }

    @Test("a restore that keeps the timeline is told by its epoch, and hands off again from the last sure point")
    func restore() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let (cache, owner) = (FakeVersionedCache(), UUID())
            for name in ["a", "b", "c"] {
                _ = try await rename(name, in: databases)
                #expect(try await relay(databases, owner, to: cache) == [name])
            }
            try await databases.client(of: .dropship).execute(script: "UPDATE events.outbox_settings SET epoch = 5")
            let outbox = try PostgresOutboxStore(databases: databases)
            // Cursors of another epoch are not read by, until they have begun again.
            #expect(try await outbox.read(sink: .events, owner: owner, limit: 9).isEmpty)
            let again = try await relay(databases, owner, to: cache)
            // How far the sure point is depends on what other tests have open on the server.
            #expect(!again.isEmpty && again == Array(["a", "b", "c"].suffix(again.count)))
            #expect(try await rename("d", in: databases).version == 4 << 40)
            #expect(try await relay(databases, owner, to: cache) == ["d"])
            #expect(try await rename("e", in: databases).version == 4 << 40 + 1)
        }
    }

    @Test("a result is newer than its product's last one, though the clock went back")
    func clock() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let fixture = try PostgresTestDatabase.fixture(databases)
            _ = try await rename("a", in: databases)
            var version: Int64 = 0
            for round in 0..<3 {
                let request = try #require(try await fixture.submit([Self.product]).first)
                let stored = try await fixture.requests.finalise([
                    Finalisation(result: fixture.result(of: request, cardCount: 1))
                ])
                #expect(try #require(stored[0].resultVersion) > version)
                let latest = try #require(try await fixture.requests.latestResults(of: [Self.product])[0])
                #expect(latest.requestID == request.id && latest.version == stored[0].resultVersion)
                let event = try #require(try await fixture.events(.analysisCompleted, of: round == 0 ? 3 : 2).last)
                #expect(try event.payload(as: CompletionPayload.self).resultVersion == latest.version)
                // As if what is there had been written by a clock that was an hour ahead.
                try await databases.client(of: .dropship).execute(
                    script: "UPDATE analysis.analysis_results SET completed_at = completed_at + interval '1 hour'")
                version = latest.version + 3_600_000_000
            }
        }
    }

    private func open(_ server: PostgresServer) throws -> Databases {
        let client = PostgresClient(
            try Databases.configuration(url: server.url(database: "shop")), logger: PostgresTestDatabase.logger)
        return Databases(clients: Dictionary(uniqueKeysWithValues: DatabaseName.usual.map { ($0, client) }))
    }

    private func epoch(_ databases: Databases) async throws -> Int {
        try await databases.client(of: .dropship).query(PostgresStatement("SELECT events.epoch()")).single().decode(0)
    }

    private func rename(_ name: String, in databases: Databases) async throws -> Product {
        let products = try PostgresProductStore(databases: databases)
        return try #require(try await products.put([(Self.product, name)]).first)
    }

    /// Hands the outbox off to a cache, as relay and invalidator do; returns the names in the order of their events.
    private func relay(_ databases: Databases, _ owner: UUID, to cache: FakeVersionedCache) async throws -> [String] {
        let outbox = try PostgresOutboxStore(databases: databases)
        _ = try await outbox.holdShards(of: .events, owner: owner, leaseDuration: .seconds(60))
        var names: [String] = []
        while true {
            let batch = try await outbox.read(sink: .events, owner: owner, limit: 100)
            if batch.isEmpty { return names }
            for row in batch.rows {
                names.append(try row.event.payload(as: ProductPayload.self).name)
                try await cache.invalidate([
                    CacheInvalidation(key: .product(Self.product), version: row.event.version)
                ])
            }
            #expect(try await outbox.advance(sink: .events, owner: owner, past: batch) == batch.moves.count)
        }
    }
}
