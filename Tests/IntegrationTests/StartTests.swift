import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// What is said when it can't work: one line, and a status that is not 0.
@Suite struct StartTests {
    @Test(.timeLimit(.minutes(3)))
    func aConfigurationThatCannotBeIsRefused() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let file = system.folder.appendingPathComponent("quartet.yaml")
            try "worker:\n  tasks_mix: 1\n".write(to: file, atomically: true, encoding: .utf8)
            for role in ["serve", "relay", "work", "invalidate", "run", "migrate"] {
                try await expectRefusal(system, [role, "--config", file.path], naming: "worker.tasks_mix")
            }
            let environment = ["WORKER_TASKS_MAX": "0"]
            try await expectRefusal(system, ["work"], environment, naming: "WORKER_TASKS_MAX")
            try await expectRefusal(system, ["serve"], ["QUARTET_API_KEY": ""], naming: "QUARTET_API_KEY")
            try await expectRefusal(system, ["ingest", "-"], ["QUARTET_API_KEY": ""], naming: "QUARTET_API_KEY")
            let password = ["REDIS_URL": "redis://user:hunter2@127.0.0.1:port"]
            let process = try await expectRefusal(system, ["work"], password, naming: "redis.url")
            #expect(!process.log.contains("hunter2"))
            let twoDatabases = ["TABLES_ANALYSIS_RESULTS_DATABASE": "market"]
            try await expectRefusal(system, ["work"], twoDatabases, naming: "whose tables stay together")
            let noModel = ["EMOTION_MODEL": "/nonexistent/a.model"]
            try await expectRefusal(system, ["work"], noModel, naming: "emotion.model: /nonexistent/a.model")
            try await expectRefusal(system, ["work"], ["EMOTION_MODEL": file.path], naming: "not a model file")
            try await expectRefusal(system, ["work"], ["EMOTION_ANALYZER": "http"], naming: "emotion.http.url")
            try await expectRefusal(system, ["dev", "--config", file.path], naming: "worker.tasks_mix")
            try await expectRefusal(system, ["dev", "--data", ""], naming: "--data is empty")
            try await expectRefusal(system, ["work", "--config="], naming: "--config is empty")
            try await expectRefusal(system, ["analyse", ""], naming: "an argument is empty")
            try await expectRefusal(system, ["work"], ["REDIS_URL": ""], naming: "redis.url: is empty (environment")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func databasesThatWereNotMigratedAreRefusedUntilTheyAre() async throws {
        try await QuartetSystem.run(on: TestStack.shared, isMigrated: false) { system in
            for role in ["serve", "relay", "work", "invalidate"] {
                let process = try system.start([role])
                #expect(try await process.waitForEnd() == .status(1), "\(role)")
                let last = try #require(process.log.split(separator: "\n").last)
                #expect(last.contains("quartet migrate"), "\(last)")
            }
            #expect(try await system.finish(["migrate", "--json"]).contains(#""outbox.dropship":5"#))
            #expect(try await system.finish(["migrate"]).contains("catalog: up to date"))
            let (_, shop) = try await system.serve()
            #expect(try await shop.call(.get, "/readyz").status == 200)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aStoreThatIsNotThereYetIsWaitedFor() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let nowhere = "127.0.0.1:1"
            let away = [
                "SOURCE_DATABASE_URL": "postgresql://quartet@\(nowhere)/source",
                "DROPSHIP_DATABASE_URL": "postgresql://quartet@\(nowhere)/dropship",
                "MARKET_DATABASE_URL": "postgresql://quartet@\(nowhere)/market",
                "REDIS_URL": "redis://\(nowhere)", "MONGODB_URL": "mongodb://\(nowhere)/quartet",
                "KAFKA_BROKERS": nowhere,
            ]
            let migrate = try system.start(["migrate"], settings: away)
            #expect(try await migrate.waitForEnd() == .status(1))
            #expect(migrate.log.contains("Error: "))

            let (process, shop) = try await system.serve(with: ["relay", "work", "invalidate"], settings: away)
            #expect(try await shop.call(.get, "/healthz").status == 200)
            let readiness = try await shop.call(.get, "/readyz")
            #expect(readiness.status == 503)
            let submit = try await shop.submit("p")
            #expect(submit.status == 503)
            #expect(submit.header("Retry-After") != nil)
            #expect(process.log.contains("database does not answer yet"))
            #expect(process.end == nil)
            #expect(try await process.stop() == .status(0), "\(process.log)")
        }
    }

    /// It is looked at only when signals are heard and callers are answered.
    @Test(.timeLimit(.minutes(3)))
    func aSilentDatabaseKeepsNobodyFromStoppingOrFromAsking() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            try await SilentListener.with { port in
                let silent = ["SOURCE", "DROPSHIP", "MARKET"].map {
                    ("\($0)_DATABASE_URL", "postgresql://quartet@127.0.0.1:\(port)/x?sslmode=disable")
                }
                var settings = Dictionary(uniqueKeysWithValues: silent)
                settings["DB_CONNECT_TIMEOUT"] = "1h"
                let (process, shop) = try await system.serve(with: ["relay", "work"], settings: settings)
                #expect(try await shop.call(.get, "/healthz").status == 200)
                #expect(process.end == nil && !process.log.contains("database does not answer yet"))
                #expect(try await process.stop() == .status(0), "\(process.log)")
            }
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["serve", "relay", "work", "invalidate"])
    func everyRoleStopsOnBothSignals(_ role: String) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            for signal in [SIGTERM, SIGINT] {
                let process = try system.start(role == "serve" ? [role, "--port", "0"] : [role])
                try await eventually("\(role) works") { process.log.contains("roles started") }
                #expect(try await process.stop(signal) == .status(0), "\(role)\(process.lastWords)")
            }
        }
    }

    /// - Returns: the process, which has ended.
    @discardableResult
    private func expectRefusal(
        _ system: QuartetSystem, _ arguments: [String], _ settings: [String: String] = [:], naming word: String
    ) async throws -> TestProcess {
        let process = try system.start(arguments, settings: settings)
        let end = try await process.waitForEnd()
        #expect(end != .status(0), "\(arguments)")
        #expect(process.output.isEmpty, "\(arguments): \(process.output)")
        #expect(process.log.split(separator: "\n").count == 1, "\(arguments): \(process.log)")
        #expect(process.log.contains(word), "\(arguments): \(process.log)")
        return process
    }
}
