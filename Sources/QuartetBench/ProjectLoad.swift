import ClientSupport
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetService
import QuartetStores
import Synchronization

/// Users as an application has them, and their changes. Their ids follow no order.
struct ProjectLoad: Sendable {
    static let transactionSize = 10
    private static let lanes = 8
    private static let probes = 2
    private static let rowsPerStatement = 50_000
    private static let timeMax = Duration.seconds(900)
    /// How often a reader looks.
    private static let look = Duration.milliseconds(4)

    private let source, market: PostgresClient
    private let users, profiles, change, read, applied: String

    init(_ clients: StoreClients) throws {
        source = try clients.databases.client(of: clients.configuration.tables[Table("users")].database)
        market = try clients.databases.client(of: clients.configuration.tables[Table("users_view")].database)
        func rendered(_ sql: String) throws -> String {
            try clients.configuration.tables.render(sql, label: "bench").sql
        }
        users = try rendered(
            """
            INSERT INTO {users} (user_id, nickname, version, created_at, updated_at)
            SELECT md5(n::text)::uuid, 'nickname-' || n, (SELECT {first_version}()), now(), now()
            FROM generate_series($1::bigint, $2::bigint) n
            """)
        profiles = try rendered(
            """
            INSERT INTO {user_profiles} (user_id, name, email, profile_image)
            SELECT md5(n::text)::uuid, 'A Name of Usual Length ' || n, 'somebody-' || n || '@example.org',
                CASE WHEN n % 2 = 0 THEN 'images/' || md5(n::text) || '.webp' END
            FROM generate_series($1::bigint, $2::bigint) n
            """)
        change = try rendered(
            """
            WITH changed AS (
                UPDATE {users} SET nickname = 'changed-' || version, updated_at = now(),
                    version = greatest(version + 1, (SELECT {first_version}()))
                WHERE user_id = ANY (SELECT md5(n::text)::uuid FROM unnest($1::bigint[]) n)
                RETURNING user_id, nickname, version
            ), event AS MATERIALIZED (
                SELECT {emit}('\(EventType.userUpdated.name)', array_agg(user_id::text), array_agg(version),
                    array_agg(json_build_object('nickname', nickname, 'name', name, 'email', email,
                        'profile_image', profile_image)))
                FROM changed JOIN {user_profiles} USING (user_id)
            )
            SELECT max(version) FROM changed LEFT JOIN event ON true
            """)
        read = try rendered("SELECT version FROM {users_view} WHERE user_id = md5($1::bigint::text)::uuid")
        applied = try rendered(
            """
            SELECT extract(epoch FROM applied_at - changed_at)::float8 FROM {users_view} WHERE nickname LIKE 'changed-%'
            """)
    }

    func writeUsers(_ count: Int, observe: (_ done: Int, _ total: Int) -> Void) async throws {
        for start in stride(from: 1, through: count, by: Self.rowsPerStatement) {
            let end = min(count, start + Self.rowsPerStatement - 1)
            for sql in [users, profiles] {
                _ = try await source.query(
                    PostgresStatement(sql, name: "bench_users", Int64(start), Int64(end)),
                    isAlone: true, deadline: .after(Self.timeMax))
            }
            observe(end, count)
        }
        // As a server that has run for a while is.
        try await source.execute(script: "VACUUM ANALYZE", deadline: .after(Self.timeMax))
        try await source.execute(script: "CHECKPOINT", deadline: .after(Self.timeMax))
    }

    /// Changes users 1 to `count` at an even pace, while readers look for changes of users above; returns how many a second it
    /// were, and how long those were looked for.
    func run(count: Int, perSecond: Int) async throws -> (perSecond: Int, visible: Latencies) {
        let over = OverFlag()
        async let looking = look(above: count, until: over)
        let pace = Pace(perSecond: perSecond)
        let begin = ContinuousClock.now
        let starts = stride(from: 0, to: count, by: Self.transactionSize)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<Self.lanes {
                group.addTask { [self] in
                    for (number, start) in starts.enumerated() where number % Self.lanes == lane {
                        try await pace.wait(for: start)
                        let end = min(count, start + Self.transactionSize)
                        _ = try await source.query(
                            PostgresStatement(change, name: "bench_change", (start..<end).map { Int64($0 + 1) }),
                            isAlone: true)
                    }
                }
            }
            try await group.waitForAll()
        }
        let rate = Int(Double(count) / begin.duration(to: .now).seconds)
        over.raise()
        return (rate, try await looking)
    }

    private func look(above count: Int, until over: OverFlag) async throws -> Latencies {
        try await withThrowingTaskGroup(of: Latencies.self) { group in
            for probe in 0..<Self.probes {
                group.addTask { [self] in
                    var latencies = Latencies()
                    var number = count + 1 + probe
                    while !over.isRaised {
                        latencies.add(try await timeUntilVisible(number))
                        number += Self.probes
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: Latencies()) { $0.add($1) }
        }
    }

    private func timeUntilVisible(_ number: Int) async throws -> Duration {
        let changed = try await source.query(
            PostgresStatement(change, name: "bench_change", [Int64(number)]), isAlone: true)
        let version = try changed.single().decode(0, as: Int64.self)
        let committed = ContinuousClock.now
        let deadline = Deadline.after(.seconds(60))
        while true {
            let rows = try await market.query(PostgresStatement(read, name: "bench_read", Int64(number)))
            if let present = try rows.first?.decode(0, as: Int64.self), present >= version {
                return committed.duration(to: .now)
            }
            guard !deadline.isPast else { throw BenchError("a change did not reach the copy within a minute") }
            try await ContinuousClock().sleep(until: .now.advanced(by: Self.look))
        }
    }

    /// Of every change that the copy has, once it has `count` of them.
    func appliedTimes(_ count: Int) async throws -> Latencies {
        let deadline = Deadline.after(.seconds(60))
        while true {
            let rows = try await market.query(
                PostgresStatement(applied, name: "bench_applied"), isAlone: true, deadline: .after(Self.timeMax))
            guard rows.count >= count || deadline.isPast else {
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(200)))
                continue
            }
            guard rows.count >= count else { throw BenchError("\(rows.count) of \(count) changes reached the copy") }
            var latencies = Latencies()
            for row in rows { latencies.add(.seconds(max(0, try row.decode(0, as: Double.self)))) }
            return latencies
        }
    }
}

private final class OverFlag: Sendable {
    private let state = Mutex(false)

    var isRaised: Bool { state.withLock { $0 } }

    func raise() { state.withLock { $0 = true } }
}
