import ClientSupport
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetService
import QuartetStores
import Synchronization

/// Events as an application writes them, by `emit`.
struct RelayLoad: Sendable {
    static let transactionSize = 100
    /// Of events at an even pace. Commits that notify follow one another, each with its flush: single events would wait for
    /// that and not for the relay.
    static let pacedTransactionSize = 10
    private static let lanes = 16
    private static let aggregates = 100_000
    private static let timeMax = Duration.seconds(900)

    private let database: PostgresClient
    private let backlog, paced: String

    init(_ clients: StoreClients) throws {
        database = try clients.databases.client(of: .dropship)
        let tables = clients.configuration.tables
        backlog = try tables.render(
            """
            SELECT {emit}('\(EventType.productUpdated.name)', array_agg('backlog-' || n % \(Self.aggregates)), array_agg(n),
                array_agg(json_build_object('name', 'A product with a name as long as names are, ' || n)))
            FROM generate_series($1::bigint, $2::bigint) AS n
            """, label: "bench", in: .dropship
        ).sql
        paced = try tables.render(
            """
            SELECT {emit}('\(EventType.productUpdated.name)', array_agg(id), array_agg(1::bigint),
                array_agg(json_build_object('name', 'A product with a name as long as names are, ' || id)))
            FROM unnest($1::text[]) AS id
            """, label: "bench", in: .dropship
        ).sql
    }

    /// Writes `count` events in transactions of ``transactionSize``.
    func writeBacklog(_ count: Int) async throws {
        let starts = stride(from: 1, through: count, by: Self.transactionSize)
        try await inLanes { lane, session in
            for (number, start) in starts.enumerated() where number % Self.lanes == lane {
                let end = min(count, start + Self.transactionSize - 1)
                _ = try await session.query(
                    PostgresStatement(backlog, name: "bench_emit_backlog", Int64(start), Int64(end)))
            }
        }
        // As a server that has run for a while is.
        try await database.execute(script: "VACUUM ANALYZE", deadline: .after(Self.timeMax))
        try await database.execute(script: "CHECKPOINT", deadline: .after(Self.timeMax))
    }

    /// Commits events at an even pace, ``pacedTransactionSize`` at a time; returns how many a second it were in the end.
    func write(_ times: EventTimes, perSecond: Int) async throws -> Int {
        let pace = Pace(perSecond: perSecond)
        let begin = ContinuousClock.now
        let starts = stride(from: 0, to: times.count, by: Self.pacedTransactionSize)
        try await inLanes { lane, session in
            for (number, start) in starts.enumerated() where number % Self.lanes == lane {
                let events = start..<min(times.count, start + Self.pacedTransactionSize)
                try await pace.wait(for: start)
                times.note(.sent, of: events)
                _ = try await session.query(
                    PostgresStatement(paced, name: "bench_emit_paced", events.map(times.aggregate)))
                times.note(.committed, of: events)
            }
        }
        return Int(Double(times.count) / begin.duration(to: .now).seconds)
    }

    private func inLanes(_ body: @escaping @Sendable (Int, PostgresSession) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<Self.lanes {
                group.addTask { [database] in
                    try await database.withSession(deadline: .after(Self.timeMax)) { try await body(lane, $0) }
                }
            }
            try await group.waitForAll()
        }
    }
}
