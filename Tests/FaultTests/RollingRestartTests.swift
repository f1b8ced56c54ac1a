import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Two copies of each role, restarted one after the other while callers go on.
@Suite(.serialized) struct RollingRestartTests {
    @Test(.timeLimit(.minutes(5)))
    func noCallFailsAndNoAnalysisIsLate() async throws {
        let settings = ["WORKER_LEASE_DURATION": "10s", "RELAY_LEASE_DURATION": "10s"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let balancer = Balancer()
            var copies: [(role: String, process: TestProcess)] = []
            for role in ["serve", "relay", "work", "invalidate"] {
                for _ in 0..<2 { copies.append((role, try await start(role, on: system, balancer))) }
            }
            try await balancer.pick().addProduct("p", reviews: 20)
            let load = Task { try await balancer.load(product: "p", callers: 4) }
            for (role, process) in copies {
                let replacement = try await start(role, on: system, balancer)
                balancer.takeOut(process)
                #expect(try await process.stop() == .status(0), "\(role)\(process.lastWords)")
                try await eventually("\(role) works") { replacement.log.contains("roles started") }
            }
            try await eventually("twenty are over") { balancer.completed >= 20 }
            balancer.stop()
            let report = try await load.value
            #expect(report.failures.isEmpty, "\(report.failures)")
            let slowest = try #require(report.latencies.max())
            print("rolling restart: \(report.latencies.count) analyses, the slowest took \(slowest)")
            // None waited for a lease to run out.
            #expect(slowest < .seconds(10), "of \(report.latencies.count)")
            #expect(try await system.stores.count("analysis.analysis_requests") == report.latencies.count)
            var story = Story(system.stores)
            // Whoever takes over a shard whose holder was slow tells again what that had told.
            story.eventsMayRepeat = true
            try await story.expectCompleted(Array(report.ids.suffix(20)))
        }
    }

    private func start(_ role: String, on system: QuartetSystem, _ balancer: Balancer) async throws -> TestProcess {
        guard role == "serve" else {
            let process = try system.start([role])
            try await eventually("\(role) works") { process.log.contains("roles started") }
            return process
        }
        let (process, shop) = try await system.serve()
        balancer.add(process, shop)
        return process
    }
}
