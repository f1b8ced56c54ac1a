import ClientSupport
import Foundation
import NIOCore
import Postgres
import QuartetDatabases
import QuartetService
package import QuartetStack

/// Measures reads of one product, of any product and of any user on private servers, first out of PostgreSQL and then out of the
/// caches, and how many statements PostgreSQL is asked for meanwhile.
package struct ReadBench {
    private static let readsAtMost = 50_000
    private static let callers = 64
    private static let idsMax = 1_000
    private static let settings = ["QUARTET_API_KEY": "bench", "LOG_LEVEL": "notice"]
    /// Reads a second of the even load.
    private static let pace = 200

    private let stack: LocalStack
    private let rows: Int
    private let seconds: Int
    private let say: @Sendable (String) -> Void
    private let stores: BenchStores
    private let client: PostgresClient

    /// - Parameters:
    ///   - rows: products, and users.
    ///   - seconds: of even load for each way.
    ///   - say: told what is being measured, for people.
    package init(stack: LocalStack, rows: Int, seconds: Int, say: @escaping @Sendable (String) -> Void) throws {
        (self.stack, self.rows, self.seconds, self.say) = (stack, rows, seconds, say)
        stores = try BenchStores(on: stack, settings: Self.settings)
        client = try stores.clients.databases.client(of: .dropship)
    }

    package func run() async throws -> ReadFigures {
        try await stores.closing { try await measure() }
    }

    private func measure() async throws -> ReadFigures {
        try await stores.migrate()
        try await stock()
        var figures = ReadFigures(cores: ProcessInfo.processInfo.activeProcessorCount, rows: rows)
        let port = try freePort()
        try await withRoles(["serve"], ["QUARTET_API_PORT": "\(port)"]) { serve in
            try await serve.untilServing(port: port)
            figures.reads += try await reads("PostgreSQL", port: port)
            // Single products are read from the cache where invalidations are known to flow.
            try await withRoles(["relay", "invalidate", "cache"], [:]) { _ in
                try await untilCached(port: port)
                figures.reads += try await reads("the caches", port: port)
            }
        }
        return figures
    }

    private func stock() async throws {
        let sql = try stores.clients.configuration.tables.render(
            """
            INSERT INTO {products} (product_id, name, price, version, created_at, updated_at)
            SELECT 'read-' || n, '찻잔 ' || n, n, 1, now(), now() FROM generate_series(0, \(rows - 1)) n;
            INSERT INTO {users} (user_id, nickname, version, created_at, updated_at)
            SELECT gen_random_uuid(), 'n' || n, 1, now(), now() FROM generate_series(0, \(rows - 1)) n;
            INSERT INTO {user_profiles} (user_id, name, email) SELECT user_id, nickname, nickname FROM {users};
            ANALYZE {products}, {users}, {user_profiles};
            """, label: "bench"
        ).sql
        try await client.execute(script: sql, deadline: .after(.seconds(300)))
    }

    // MARK: Reads

    private var ways: [(name: String, paths: [String])] {
        [
            ("GET /v1/products/{id}", (0..<min(rows, Self.idsMax)).map { "/v1/products/read-\($0)" }),
            ("GET /v1/products/random", ["/v1/products/random"]), ("GET /v1/users/random", ["/v1/users/random"]),
        ]
    }

    private func reads(_ source: String, port: Int) async throws -> [ReadFigures.Reads] {
        say("nothing, then reads out of \(source)")
        var figures: [ReadFigures.Reads] = []
        let idle = try await statements {
            try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(seconds)))
        }
        figures.append(ReadFigures.Reads(what: "nothing", source: source, even: nil, most: nil, statements: idle))
        for way in ways {
            let requests = way.paths.map { path in
                "GET \(path) HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer bench\r\n\r\n"
            }
            let loop = ClosedLoop(
                port: port, callers: Self.callers, requests: requests.map { ByteBuffer(string: $0) }, accepted: 200)
            _ = try await loop.run(count: Self.readsAtMost / 10)
            let most = try await loop.run(count: Self.readsAtMost)
            guard most.refused == 0 else { throw BenchError("\(most.refused) reads were refused") }
            var even = Latencies()
            let connection = try BlockingHTTP(port: port)
            let asked = try await statements {
                let pace = Pace(perSecond: Self.pace)
                for number in 0..<Self.pace * seconds {
                    try await pace.wait(for: number)
                    let started = ContinuousClock.now
                    try connection.send(requests[number % requests.count])
                    let answer = try connection.receive { $0.last == UInt8(ascii: "}") }
                    guard answer.hasPrefix("HTTP/1.1 200") else {
                        throw BenchError("a read was answered with \(answer)")
                    }
                    even.add(started.duration(to: .now))
                }
            }
            figures.append(
                ReadFigures.Reads(
                    what: way.name, source: source, even: even.summary,
                    most: .init(
                        perSecond: Int(Double(Self.readsAtMost) / most.duration.seconds),
                        latencies: most.latencies.summary), statements: asked))
            say(figures[figures.count - 1].line)
        }
        return figures
    }

    /// A minute, in the database that has products and users: each statement of reads is a transaction.
    private func statements(during body: () async throws -> Void) async throws -> Int {
        let before = try await transactions()
        let started = ContinuousClock.now
        try await body()
        let duration = started.duration(to: .now)
        return Int(Double(try await transactions() - before - 1) / duration.seconds * 60)
    }

    /// So far. Sessions tell theirs about a second late.
    private func transactions() async throws -> Int {
        try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(2)))
        let counting = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        return try await client.query(PostgresStatement(counting)).single().decode(0, as: Int.self)
    }

    /// Until products come out of the cache, each time they are asked for, and users and any product out of theirs.
    private func untilCached(port: Int) async throws {
        let deadline = Deadline.after(.seconds(60))
        let head = "HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer bench\r\n\r\n"
        for (path, sign) in [
            ("/v1/products/read-0", "quartet; hit"), ("/v1/products/random", "\nage:"), ("/v1/users/random", "\nage:"),
        ] {
            while true {
                let connection = try BlockingHTTP(port: port)
                try connection.send("GET \(path) \(head)")
                let answer = try connection.receive { $0.last == UInt8(ascii: "}") }
                if answer.lowercased().contains(sign) { break }
                guard !deadline.isPast else { throw BenchError("the caches are not read: \(answer)") }
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(200)))
            }
        }
    }

    private func withRoles(
        _ roles: [String], _ settings: [String: String], _ body: (RoleProcess) async throws -> Void
    ) async throws {
        let environment = stack.environment.merging(Self.settings) { $1 }.merging(settings) { $1 }
        let process = try RoleProcess(
            roles: roles, environment: environment, log: stack.directory.appendingPathComponent("\(roles[0]).log"))
        do {
            try await body(process)
            await process.stop()
        } catch {
            say(process.lastLogLine)
            await process.stop()
            throw error
        }
    }
}

/// What a bench of reads found.
package struct ReadFigures: Codable, Sendable {
    struct Reads: Codable, Sendable {
        struct Most: Codable, Sendable {
            let perSecond: Int
            let latencies: LatencySummary
        }

        let what: String
        let source: String
        /// Of one caller at an even pace.
        let even: LatencySummary?
        /// Of callers who ask again at once.
        let most: Most?
        /// Of PostgreSQL, a minute, at the even pace; the roles' own are among them.
        let statements: Int

        var line: String {
            let times = even.map { "p50 \($0.p50) ms, p99 \($0.p99) ms, " } ?? ""
            let rate = most.map {
                "; at most \($0.perSecond) a second, p50 \($0.latencies.p50) ms, p99 \($0.latencies.p99) ms"
            }
            return "\(what) out of \(source): \(times)\(statements) statements a minute\(rate ?? "")"
        }
    }

    let cores: Int
    let rows: Int
    var reads: [Reads] = []

    /// For people.
    package var lines: [String] { ["\(cores) cores, \(rows) products and users"] + reads.map(\.line) }
}
