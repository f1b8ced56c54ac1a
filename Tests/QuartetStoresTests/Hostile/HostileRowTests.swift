import Catalog
import Foundation
import Kafka
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetTesting
import Testing

@testable import QuartetStores

/// Rows and records at the ends of what their types can hold: nothing traps.
@Suite("Rows and records from anywhere", .timeLimit(.minutes(3)))
struct HostileRowTests {
    private static let times = [
        "infinity", "-infinity", "294276-12-31 23:59:59+00", "4713-01-01 00:00:00+00 BC", "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00",
    ]

    @Test("requests, results and products of any time are read, and the walks go by them")
    func times() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let client = try databases.client(of: .dropship)
            let (store, checks) = (
                try PostgresRequestStore(databases: databases), try PostgresRequestCheckStore(databases: databases)
            )
            let product = try #require(ProductID("p"))
            _ = try await PostgresProductStore(databases: databases).put([(product, "p")])
            let ids = Self.times.map { _ in RequestID.make() }
            _ = try await store.submit(ids.map { Submission(id: $0, productID: product) })
            for (id, time) in zip(ids, Self.times) {
                try await client.execute(
                    script: """
                        UPDATE analysis.analysis_requests SET created_at = '\(time)', version = 9223372036854775807,
                            generation = 2147483647 WHERE request_id = '\(id)';
                        UPDATE events.outbox SET occurred_at = '\(time)', version = -1 WHERE aggregate_id = '\(id)';
                        """)
            }
            let requests = try await store.requests(ids).compactMap(\.self)
            #expect(requests.count == ids.count)
            let judge = Judge(invariants: Set(Invariant.allCases), settledBefore: .now) { .now }
            for facts in try await checks.requests(in: KeyRange(), limit: 100) {
                _ = judge.kinds(Sides(id: facts.id, request: facts))
                _ = RequestID.before(facts.createdAt)
            }
            let outbox = try PostgresOutboxStore(databases: databases)
            let owner = UUID()
            _ = try await outbox.holdShards(of: .queue, owner: owner, leaseDuration: .seconds(30))
            for row in try await outbox.read(sink: .queue, owner: owner, limit: 1000).rows {
                let record = CloudEvent.record(of: row.event)
                #expect(!record.headers.isEmpty)
            }
        }
    }

    @Test("a product that somebody named as we do not is listed among the others, and its requests are read")
    func products() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let store = try PostgresProductStore(databases: databases)
            for name in ["a", "c"] { _ = try await store.put([(try #require(ProductID(name)), nil)]) }
            let request = RequestID.make()
            try await databases.client(of: .dropship).execute(
                script: """
                    INSERT INTO catalog.products VALUES (E'b \\n{x}', '', 1, 'infinity', 'infinity');
                    INSERT INTO analysis.analysis_requests (request_id, product_id, status, generation, version, created_at)
                    VALUES ('\(request)', E'b \\n{x}', 'queued', 1, 1, now())
                    """)
            #expect(try await store.products(after: nil, limit: 9).map(\.id.text) == ["a", "b \n{x}", "c"])
            let stored = try await PostgresRequestStore(databases: databases).requests([request])
            #expect(stored[0]?.productID.text == "b \n{x}")
        }
    }

    @Test("shards whose lease ends later than any can are free")
    func leases() async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let outbox = try PostgresOutboxStore(databases: databases)
            let (dead, alive) = (UUID(), UUID())
            let all = try await outbox.holdShards(of: .queue, owner: dead, leaseDuration: .seconds(1))
            #expect(all.count == 8)
            // As after the server's clock was set back by an hour.
            try await databases.client(of: .dropship).execute(
                script: """
                    UPDATE events.outbox_cursors SET owned_until = owned_until + interval '1 hour';
                    UPDATE events.outbox_relays SET seen_until = seen_until + interval '1 hour'
                    """)
            #expect(try await outbox.holdShards(of: .queue, owner: alive, leaseDuration: .seconds(1)) == all)
        }
    }

    @Test("a request that says it is of tomorrow is a finding, and one of yesterday is none")
    func ahead() throws {
        func facts(_ seconds: Double) -> RequestFacts {
            RequestFacts(
                id: .make(), status: .queued, generation: 1, createdAt: .now.addingTimeInterval(seconds), closedAt: nil)
        }
        let judge = Judge(invariants: [.i1], settledBefore: .now.addingTimeInterval(-60)) { .now }
        func kinds(_ facts: RequestFacts) -> [FindingKind] {
            let task = TaskFacts(id: facts.id, isDead: false, generation: 1)
            return judge.kinds(Sides(id: facts.id, request: facts, task: task))
        }
        #expect(kinds(facts(3600)) == [.requestAhead])
        #expect(kinds(facts(30)).isEmpty)
        #expect(kinds(facts(-3600)).isEmpty)
        let late = facts(-3600)
        let task = TaskFacts(id: late.id, isDead: false, generation: 1, isDueTooLate: true)
        #expect(judge.kinds(Sides(id: late.id, request: late, task: task)) == [.taskDueTooLate])
    }

    @Test("records with any headers are events or refused")
    func records() {
        var damage = Damage(seed: 7)
        let names = [
            "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_aggregateversion",
            "ce_traceparent", "content-type",
        ]
        let whole = ["1.0", "id", "quartet", "analysis.completed", "s", "2026-01-01T00:00:00Z", "1", "", ""]
        for _ in 0..<Damage.count * 5 {
            var headers: [KafkaHeader] = []
            for (name, value) in zip(names, whole) {
                switch damage.number(in: 0...9) {
                case 0: break
                case 1, 2: headers.append(KafkaHeader(name, damage.text()))
                case 3: headers += [KafkaHeader(name, value), KafkaHeader(name, damage.text())]
                default: headers.append(KafkaHeader(name, value))
                }
            }
            let record = KafkaConsumedRecord(
                record: KafkaRecord(topic: "t", key: nil, value: damage.text(), headers: headers), partition: 0,
                offset: 0)
            if let event = try? CloudEvent.event(of: record) { #expect(event.version >= 0) }
        }
    }
}
