import Foundation
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetTesting
import Testing

@testable import QuartetStores

@Suite("The checker's audits on PostgreSQL and their fakes keep the same rules", .timeLimit(.minutes(2)))
struct AuditConformanceTests {
    @Test("requests, fake", arguments: RequestCheckStoreConformance.behaviours)
    func fakeRequests(behaviour: Conformance<RequestCheckStoreSubject>) async throws {
        try await behaviour.check(.fake())
    }

    @Test("requests, PostgreSQL", .serialized, arguments: RequestCheckStoreConformance.behaviours)
    func postgresRequests(behaviour: Conformance<RequestCheckStoreSubject>) async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let client = try databases.client(of: .dropship)
            let subject = RequestCheckStoreSubject(
                checkStore: try PostgresRequestCheckStore(databases: databases),
                stores: try PostgresTestDatabase.fixture(databases),
                plant: { try await client.execute(script: Self.planting($0)) },
                removeResults: { ids in
                    _ = try await client.query(
                        PostgresStatement(
                            "DELETE FROM analysis.analysis_results WHERE request_id = ANY ($1::uuid[])",
                            ids.map(\.uuid)))
                })
            try await behaviour.check(subject)
        }
    }

    @Test("outbox, fake", arguments: OutboxCheckStoreConformance.behaviours)
    func fakeOutbox(behaviour: Conformance<OutboxCheckStoreSubject>) async throws {
        try await behaviour.check(.fake())
    }

    @Test("outbox, PostgreSQL", .serialized, arguments: OutboxCheckStoreConformance.behaviours)
    func postgresOutbox(behaviour: Conformance<OutboxCheckStoreSubject>) async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let client = try databases.client(of: .dropship)
            let subject = OutboxCheckStoreSubject(
                checkStore: try PostgresOutboxCheckStore(databases: databases), database: "dropship",
                stores: try PostgresTestDatabase.fixture(databases)
            ) { count, type, shard, date in
                let insert = """
                    INSERT INTO events.outbox (shard, epoch, type, aggregate_id, version, payload, occurred_at)
                    SELECT $2, 1, $3, 'planted', 1, '{}', $4 FROM generate_series(1, $1::int)
                    """
                _ = try await client.query(
                    PostgresStatement(insert, Int32(count), Int16(shard), type.name, date))
            }
            try await behaviour.check(subject)
        }
    }

    @Test("references, fake", arguments: ReferenceCheckStoreConformance.behaviours)
    func fakeReferences(behaviour: Conformance<ReferenceCheckStoreSubject>) async throws {
        try await behaviour.check(.fake())
    }

    /// Also where there is no such request: without the foreign key.
    private static func planting(_ result: ResultDocument) -> String {
        func hex(_ bytes: [UInt8]) -> String {
            "'\\x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
        }
        return """
            SET session_replication_role = replica;
            INSERT INTO analysis.analysis_results AS r
                (request_id, product_id, completed_at, card_count, digest, analyzer, result, fold_version)
            VALUES ('\(result.id)', '\(result.productID)', now() - interval '1 day', \(result.facts.cardCount),
                \(hex(result.facts.digest.bytes)), '\(result.analyzer)',
                convert_from(\(hex(result.json)), 'UTF8')::json, \(result.foldVersion))
            ON CONFLICT (request_id) DO UPDATE SET
                completed_at = excluded.completed_at, card_count = excluded.card_count, digest = excluded.digest,
                analyzer = excluded.analyzer, result = excluded.result, fold_version = excluded.fold_version;
            RESET session_replication_role
            """
    }
}
