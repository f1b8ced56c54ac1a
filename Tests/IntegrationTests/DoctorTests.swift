import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// `quartet doctor` on real stores.
@Suite struct DoctorTests {
    private struct Line: Decodable {
        let subject, verdict, finding: String
        let advice: String?
    }

    private func examine(_ system: QuartetSystem, _ settings: [String: String] = [:]) async throws -> (
        lines: [Line], end: ChildProcess.End?
    ) {
        let process = try system.start(["doctor", "--json"], settings: settings)
        let end = try await process.waitForEnd()
        let lines = try process.output.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        return (lines, end)
    }

    @Test(.timeLimit(.minutes(3)))
    func whatIsWellIsSaidToBeSo() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (lines, end) = try await examine(system)
            #expect(end == .status(0))
            #expect(lines.filter { $0.verdict == "problem" }.map(\.subject).isEmpty)
            for subject in [
                "database source", "database dropship", "database market", "schema of catalog",
                "table catalog.products",
                "schema of outbox.market", "mongodb", "collection analysis_queue", "redis", "redis, clock", "kafka",
            ] {
                #expect(lines.contains { $0.subject == subject }, "\(subject)")
            }
            #expect(lines.contains { $0.subject.hasPrefix("topic ") && $0.subject.hasSuffix("product.events") })
            #expect(lines.contains { $0.subject.hasPrefix("group ") && $0.subject.hasSuffix(".users_view") })
            let words = try await system.finish(["doctor"])
            #expect(words.contains("ok      database dropship: PostgreSQL ") && words.contains("looked at, 0 problems"))
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func whatIsAmissIsNamedWithItsCureAndStopsNothingElse() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let role = "poor_\(system.name)"
            for statement in [
                "DROP TABLE catalog.price_history", "CREATE ROLE \(role)", "GRANT USAGE ON SCHEMA catalog TO \(role)",
                "GRANT SELECT ON catalog.products, catalog.categories TO \(role)",
            ] {
                _ = try await system.stores.rows(statement)
            }
            let (lines, end) = try await examine(
                system,
                [
                    "SERVICES_CATALOG_ROLE": role, "MARKET_DATABASE_URL": "postgres://x@127.0.0.1:1/y",
                    "REDIS_URL": "redis://127.0.0.1:1",
                ])
            #expect(end == .status(1))
            func line(_ subject: String) throws -> Line { try #require(lines.first { $0.subject == subject }) }
            #expect(try line("table catalog.products").finding == "\(role) lacks INSERT, UPDATE, DELETE")
            #expect(try line("table catalog.products").advice?.hasPrefix("GRANT INSERT, UPDATE, DELETE ON") == true)
            #expect(try line("table catalog.price_history").advice?.hasPrefix("restore it") == true)
            #expect(try line("database market").verdict == "problem")
            #expect(try line("database market").advice?.contains("market.database.url") == true)
            #expect(try line("redis").verdict == "problem")
            for subject in ["database dropship", "database source", "mongodb", "kafka", "table auth.users"] {
                #expect(try line(subject).verdict == "ok", "\(subject)")
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aSchemaThatIsToComeIsSaid() async throws {
        try await QuartetSystem.run(on: TestStack.shared, isMigrated: false) { system in
            let (lines, end) = try await examine(system)
            #expect(end == .status(1))
            let catalog = try #require(lines.first { $0.subject == "schema of catalog" })
            #expect(catalog.verdict == "problem" && catalog.advice == "run `quartet migrate`")
            let table = try #require(lines.first { $0.subject == "table catalog.products" })
            #expect(table.verdict == "problem" && table.advice?.hasPrefix("run `quartet migrate`") == true)
            let unusable = try system.start(["doctor"], settings: ["REDIS_URL": "ftp://nowhere"])
            #expect(try await unusable.waitForEnd() == .status(2))
            #expect(unusable.log.contains("redis.url"))
        }
    }
}
