import ClientSupport
import Foundation
import Market
import Postgres
import QuartetDatabases
import QuartetService
package import QuartetStack

/// Measures `quartet import` on private servers with durable settings, beside psql's COPY and Python's asyncpg with as many rows of
/// the same kind.
package struct ImportBench {
    private static let timeMax = Duration.seconds(900)
    private static let settings = ["QUARTET_API_KEY": "bench", "LOG_LEVEL": "notice"]

    private let stack: LocalStack
    private let rows: Int
    private let python: String
    private let say: @Sendable (String) -> Void
    private let stores: BenchStores

    /// - Parameters:
    ///   - python: an interpreter that may have asyncpg.
    ///   - say: told what is being measured, for people.
    package init(
        stack: LocalStack, rows: Int, python: String, say: @escaping @Sendable (String) -> Void
    ) throws {
        (self.stack, self.rows, self.python, self.say) = (stack, rows, python, say)
        stores = try BenchStores(on: stack, settings: Self.settings)
    }

    package func run() async throws -> ImportFigures {
        try await stores.closing { try await measure() }
    }

    private func measure() async throws -> ImportFigures {
        try await stores.migrate()
        var figures = ImportFigures(cores: ProcessInfo.processInfo.activeProcessorCount, rows: rows)
        let port = try freePort()
        let serve = try process(["serve"], ["QUARTET_API_PORT": "\(port)"])
        do {
            try await serve.untilServing(port: port)
            for subject in ImportSubject.all {
                try await stock(for: subject)
                let outcome = try await measure(subject, port: port)
                say("\(subject.resource): \(outcome.line)")
                figures.imports.append(outcome)
            }
        } catch {
            say(serve.lastLogLine)
            await serve.stop()
            throw error
        }
        await serve.stop()
        return figures
    }

    private func measure(_ subject: ImportSubject, port: Int) async throws -> ImportFigures.Outcome {
        let folder = stack.directory
        let (json, copy) = ("\(folder.path)/\(subject.resource).jsonl", "\(folder.path)/\(subject.resource).copy")
        try (0..<rows).map(subject.json).joined(separator: "\n").write(toFile: json, atomically: false, encoding: .utf8)
        try (0..<rows).map(subject.copyLine).joined().write(toFile: copy, atomically: false, encoding: .utf8)
        let table = try stores.clients.configuration.tables.render("{\(subject.table)}", label: "bench").sql
        let client = try stores.clients.databases.client(of: subject.database)
        for name in ["copied", "asyncpg"] {
            try await client.execute(
                script: "CREATE TABLE public.\(name)_\(subject.table) (LIKE \(table) INCLUDING ALL)")
        }
        let url = stores.configuration.databases.settings[subject.database]?.url ?? ""
        let copied = try await perSecond(
            ["psql", "-X", "-q", "-c", "\\copy public.copied_\(subject.table) (\(subject.copied)) FROM '\(copy)'", url])
        var upserted: Int?
        if await hasAsyncpg {
            upserted = try await perSecond([
                python, "-c", ImportSubject.script, url, "public.asyncpg_\(subject.table)", json,
                subject.fields.map { "\($0.name)=\($0.column)" }.joined(separator: ","), subject.constants,
            ])
        }
        let started = ContinuousClock.now
        try await importRows(subject.resource, json, port: port)
        let imported = Int(Double(rows) / started.duration(to: .now).seconds)
        let count = try await client.query(PostgresStatement("SELECT count(*) FROM \(table)")).single()
            .decode(0, as: Int.self)
        guard count >= rows else { throw BenchError("\(count) of \(rows) \(subject.resource) are there") }
        return ImportFigures.Outcome(
            resource: subject.resource, copiedPerSecond: copied, asyncpgPerSecond: upserted,
            importedPerSecond: imported)
    }

    /// What orders name, where the market looks for it.
    private func stock(for subject: ImportSubject) async throws {
        guard subject.resource == "orders" else { return }
        let sql = try stores.clients.configuration.tables.render(
            """
            INSERT INTO {market_users_view} (user_id, gender, age_group, region, version, is_deleted, changed_at)
            SELECT ('00000000-0000-4000-8000-' || lpad((n + 1)::text, 12, '0'))::uuid, 'female', '30s', '서울', 1, false, now()
            FROM generate_series(0, 9999) n;
            INSERT INTO {products_view} (
                product_id, name, supplier_item_id, category_id, currency, price, version, is_deleted, changed_at)
            SELECT 'p-' || n, 'n', CASE WHEN n % 2 = 0 THEN 's-' || n END, 'c', 'KRW', n, 1, false, now()
            FROM generate_series(0, 9999) n;
            """, label: "bench"
        ).sql
        try await stores.clients.databases.client(of: MarketService.schema).execute(
            script: sql, deadline: .after(Self.timeMax))
    }

    // MARK: Programs

    private func process(_ roles: [String], _ settings: [String: String]) throws -> RoleProcess {
        try RoleProcess(
            roles: roles, environment: stack.environment.merging(Self.settings) { $1 }.merging(settings) { $1 },
            log: stack.directory.appendingPathComponent("\(roles[0]).log"))
    }

    private var hasAsyncpg: Bool {
        get async { (try? await finish([python, "-c", "import asyncpg"])) != nil }
    }

    private func program() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    private func importRows(_ resource: String, _ file: String, port: Int) async throws {
        try await finish(
            [program(), "import", resource, file],
            ["QUARTET_API_URL": "http://127.0.0.1:\(port)", "QUARTET_API_KEY": "bench"])
    }

    private func perSecond(_ command: [String]) async throws -> Int {
        let started = ContinuousClock.now
        try await finish(command)
        return Int(Double(rows) / started.duration(to: .now).seconds)
    }

    private func finish(_ command: [String], _ environment: [String: String] = [:]) async throws {
        let log = stack.directory.appendingPathComponent("program.log")
        let process = try ChildProcess(
            ["/usr/bin/env"] + environment.map { "\($0.key)=\($0.value)" } + command, log: log, orphanSignal: "TERM")
        await process.waitForEnd(until: .after(Self.timeMax))
        guard process.end == .status(0) else {
            process.signal(SIGKILL)
            let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            throw BenchError("\(command.prefix(3).joined(separator: " ")) failed: \(said.suffix(500))")
        }
    }
}

/// What a bench of imports found.
package struct ImportFigures: Codable, Sendable {
    struct Outcome: Codable, Sendable {
        let resource: String
        /// Into a table of the same columns and indexes, by psql, rows ready as COPY takes them.
        let copiedPerSecond: Int
        /// JSON read, copied into a temporary table and merged from there, in thousands; nil without asyncpg.
        let asyncpgPerSecond: Int?
        /// By `quartet import`, with all that belongs to a row: its checks, history, search and event.
        let importedPerSecond: Int

        var line: String {
            "COPY \(copiedPerSecond), asyncpg \(asyncpgPerSecond.map { "\($0)" } ?? "not there"), quartet import "
                + "\(importedPerSecond) rows a second"
        }
    }

    let cores: Int
    let rows: Int
    var imports: [Outcome] = []
    /// For people.
    package var lines: [String] {
        ["\(cores) cores, \(rows) rows of each"] + imports.map { "\($0.resource): \($0.line)" }
    }
}
