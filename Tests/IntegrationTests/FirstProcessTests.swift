import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// As a container runs it: the first process of its own, which gets only the signals that it takes.
@Suite(.enabled(if: geteuid() == 0, "only root can make a first process")) struct FirstProcessTests {
    @Test(.timeLimit(.minutes(3)))
    func itAnswersAndStopsWhileEveryStoreIsSilent() async throws {
        try await QuartetSystem.run(on: TestStack.shared, isMigrated: false) { system in
            try await SilentListener.with { port in
                let silent = "127.0.0.1:\(port)"
                var settings = [
                    "REDIS_URL": "redis://\(silent)", "MONGODB_URL": "mongodb://\(silent)/x", "KAFKA_BROKERS": silent,
                    "DB_CONNECT_TIMEOUT": "1h", "REDIS_CONNECT_TIMEOUT": "1h",
                ]
                for name in ["SOURCE", "DROPSHIP", "MARKET"] {
                    settings["\(name)_DATABASE_URL"] = "postgresql://quartet@\(silent)/x?sslmode=disable"
                }
                let roles = ["serve", "relay", "work", "invalidate", "project", "check", "cache", "sync"]
                let first = try TestProcess(
                    ["unshare", "--pid", "--fork", "--kill-child", TestProcess.quartetPath(), "run"] + roles
                        + ["--port", "0"],
                    environment: system.environment.merging(settings) { $1 }, folder: system.folder)
                do {
                    try await expectLife(first)
                } catch {
                    await first.kill()
                    throw error
                }
            }
        }
    }

    private func expectLife(_ first: TestProcess) async throws {
        let url = try await eventually("it listens") { () -> String? in
            if let end = first.end { throw TestFailure("ended with \(end)\(first.lastWords)") }
            return first.log.firstMatch(of: /url=(http:\S+) .*listening/).map { String($0.output.1) }
        }
        let shop = Shop(url: url, key: QuartetSystem.apiKey)
        #expect(try await shop.call(.get, "/healthz").status == 200)
        #expect(try await shop.call(.get, "/readyz").status == 503)

        let inside = try String(
            contentsOfFile: "/proc/\(first.pid)/task/\(first.pid)/children", encoding: .utf8)
        let pid = try #require(pid_t(inside.trimmingCharacters(in: .whitespaces)))
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        #expect(status.contains(/NSpid:\s+\d+\s+1\n/), "\(status)")
        kill(pid, SIGTERM)
        #expect(try await first.waitForEnd() == .status(0), "\(first.lastWords)")
    }
}
