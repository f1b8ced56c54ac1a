import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// `quartet chaos`, as short as it makes sense.
@Suite(.serialized) struct StormTests {
    private struct Figures: Decodable {
        let accepted, completed, userChanges, lost, duplicated, stale, wrong, brokerDeaths, eventsLostWithBroker: Int
        let faults: [String: Int]
        let findings: [String]
    }

    @Test(.timeLimit(.minutes(10)))
    func nothingIsLostInAStorm() async throws {
        let figures = try await hold(["--seed", "7", "--minutes", "0.4"]) { _, _ in }
        #expect(figures.completed > 0)
        #expect(figures.faults.values.reduce(0, +) >= 15)
        #expect(figures.faults["black_hole"] != nil && figures.faults["reset_answer"] != nil)
        #expect(figures.findings.isEmpty)
    }

    /// What stands for Kafka may end at any moment, and its log goes with it; Apache Kafka's stays.
    @Test(.timeLimit(.minutes(10)), arguments: TestBroker.present)
    func aStormSurvivesTheEndOfItsBroker(_ kafka: TestBroker) async throws {
        let figures = try await hold(["--seed", "7", "--minutes", "0.3", "--no-proxy"], on: kafka) { storm, folder in
            let pidFile = folder.appendingPathComponent("kafka/pid")
            try await eventually("the storm has begun") { storm.log.contains("chaos: kill") }
            let text = try String(contentsOf: pidFile, encoding: .utf8)
            kill(try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines))), SIGKILL)
        }
        if kafka == .apache { #expect(figures.eventsLostWithBroker == 0) }
        #expect(figures.brokerDeaths == 1)
        #expect(figures.completed > 0)
        #expect(figures.findings.isEmpty)
    }

    @Test(.timeLimit(.minutes(10)), .enabled(if: RabbitServer.isInstalled, "RabbitMQ is not installed"))
    func aStormOverRabbitMQ() async throws {
        let figures = try await hold(["--seed", "7", "--minutes", "0.3", "--bus", "rabbitmq"]) { storm, _ in
            try await eventually("RabbitMQ is hit") {
                storm.log.contains(/chaos: (kill_server|freeze_server|broker_down) rabbitmq/)
            }
        }
        #expect(figures.completed > 0 && figures.userChanges > 0)
        #expect(figures.findings.isEmpty)
    }

    private func hold(
        _ arguments: [String], on kafka: TestBroker = .embedded,
        meanwhile: (_ storm: TestProcess, _ data: URL) async throws -> Void
    ) async throws -> Figures {
        let folder = try TemporaryFolder.make()
        let data = folder.appendingPathComponent("data")
        defer { try? FileManager.default.removeItem(at: data) }
        var environment: [String: String] = [:]
        if kafka == .apache { environment[KafkaHome.variable] = try #require(try KafkaHome()).path }
        let storm = try TestProcess.quartet(
            ["chaos", "--json", "--data", data.path] + arguments, environment: environment, folder: folder)
        do {
            try await meanwhile(storm, data)
            try await storm.waitForEnd(within: .seconds(270))
        } catch {
            await storm.kill()
            throw error
        }
        #expect(storm.end == .status(0), "\(storm.output)\(storm.lastWords)")
        print("storm: \(storm.output)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Figures.self, from: Data(storm.output.utf8))
    }

    @Test(.timeLimit(.minutes(5)))
    func theSameSeedGivesTheSamePlan() async throws {
        let folder = try TemporaryFolder.make()
        func plan(_ seed: String) async throws -> String {
            try await TestProcess.output(
                of: [TestProcess.quartetPath(), "chaos", "--plan", "--seed", seed, "--minutes", "3"], folder: folder)
        }
        let first = try await plan("11")
        #expect(try await plan("11") == first)
        #expect(try await plan("12") != first)
        #expect(first.split(separator: "\n").count > 40)
        for kind in ["kill_role", "freeze_role", "kill_server", "freeze_server", "broker_down", "half_open_client"] {
            #expect(first.contains(kind))
        }
    }
}
