import Foundation
import QuartetStack
import SystemTesting
import Testing

/// `quartet chaos`, as short as it makes sense.
@Suite(.serialized) struct StormTests {
    private struct Figures: Decodable {
        let accepted, completed, lost, duplicated, stale, wrong: Int
        let faults: [String: Int]
        let findings: [String]
    }

    @Test(.timeLimit(.minutes(10)))
    func nothingIsLostInAStorm() async throws {
        var storm = try await hold()
        // The endpoint that stands for Kafka lives in that process, and may end it when a member joins twice.
        if storm.end == .signal(SIGABRT), storm.log.contains("rdkafka_mock") { storm = try await hold() }
        #expect(storm.end == .status(0), "\(storm.output)\(storm.lastWords)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let figures = try decoder.decode(Figures.self, from: Data(storm.output.utf8))
        print("storm: \(storm.output)")
        #expect(figures.completed > 0)
        #expect(figures.faults.values.reduce(0, +) >= 5)
        #expect(figures.findings.isEmpty)
    }

    private func hold() async throws -> TestProcess {
        let folder = try TemporaryFolder.make()
        let process = try TestProcess.quartet(["chaos", "--seed", "7", "--minutes", "0.4", "--json"], folder: folder)
        do {
            try await process.waitForEnd(within: .seconds(270))
            return process
        } catch {
            await process.kill()
            throw error
        }
    }

    @Test(.timeLimit(.minutes(1)))
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
        for kind in ["kill_role", "freeze_role", "kill_server", "freeze_server", "broker_down"] {
            #expect(first.contains(kind))
        }
    }
}
