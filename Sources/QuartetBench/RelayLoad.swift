import ClientSupport
import Postgres
import QuartetCore
import QuartetMigrations
import QuartetService
import QuartetStores
import Synchronization

/// Events as an application writes them, by `emit`.
struct RelayLoad: Sendable {
    static let transactionSize = 100
    private static let lanes = 16
    private static let aggregates = 100_000
    private static let timeMax = Duration.seconds(900)

    private let database: PostgresClient
    private let many, one: String

    init(_ clients: StoreClients) throws {
        database = try clients.databases.client(of: .dropship)
        let tables = clients.configuration.tables
        many = try tables.render(
            """
            SELECT {emit}('\(EventType.productUpdated.name)', array_agg('backlog-' || n % \(Self.aggregates)), array_agg(n),
                array_agg(json_build_object('name', 'A product with a name as long as names are, ' || n)))
            FROM generate_series($1::bigint, $2::bigint) AS n
            """, label: "bench", in: .dropship
        ).sql
        one = try tables.render(
            """
            SELECT {emit}('\(EventType.productUpdated.name)', $1::text, 1::bigint,
                json_build_object('name', 'A product with a name as long as names are, ' || $1::text))
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
                    PostgresStatement(many, name: "bench_emit_many", Int64(start), Int64(end)))
            }
        }
        // As a server that has run for a while is.
        try await database.execute(script: "VACUUM ANALYZE", deadline: .after(Self.timeMax))
        try await database.execute(script: "CHECKPOINT", deadline: .after(Self.timeMax))
    }

    /// Commits single events at an even pace.
    func write(_ times: EventTimes, perSecond: Int) async throws {
        let pace = Pace(perSecond: perSecond)
        try await inLanes { lane, session in
            for number in stride(from: lane, to: times.count, by: Self.lanes) {
                try await pace.wait(for: number)
                times.note(.sent, of: number)
                _ = try await session.query(
                    PostgresStatement(one, name: "bench_emit_one", times.aggregate(number)))
                times.note(.committed, of: number)
            }
        }
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
