import ClientSupport
import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import Synchronization
import SystemTesting
import Testing

@Suite("Seeded faults", .serialized)
struct SeededTests {
    private static let settings = [
        "CHECK_SETTLE_WINDOW": "2s", "CHECK_SECOND_LOOK_PAUSE": "500ms", "CHECK_WORK_SHARE": "100",
        "CHECK_EXAMPLES_PER_KIND": "1000", "CHECK_ALERTS_MAX": "0", "CHECK_SCHEDULE": "off",
        // The seeded tasks wait long, a shard is held for long, and nobody finds that wrong.
        "WORKER_RETRY_MAX": "300d", "RELAY_LEASE_DURATION": "3600s",
    ]

    @Test("of 100,000 requests exactly the planted faults are found, idle and busy, and none is left after repair")
    func seeded() async throws {
        try await QuartetSystem.run(on: TestStack.shared, settings: Self.settings) { system in
            let stores = try SeededStores(system, count: 100_000)
            try await stores.write()
            let planter = Planter(stores: stores, system: system)
            let planted = try await planter.plantAll()
            // One needs a cursor's past, one stays whatever is done, and one is mended by any worker.
            let others: Set<FindingKind> = [.cursorWentBack, .requestAhead, .taskDueTooLate]
            #expect(Set(planted.map(\.kind)) == Set(FindingKind.allCases).subtracting(others))

            let idle = try await Swept.full(system)
            expect(idle, found: planted)
            try await busy(system, planted: planted)

            try await planter.letGoOfShard()
            let mended = try await Swept.full(system, "--repair")
            #expect(mended.plants == planted)
            #expect(mended.notRepaired.count == 1 && mended.notRepaired[0].hasPrefix("reference.dangling"))
            #expect(mended.status == 1)
            try await planter.mendListing()

            // What was opened again runs.
            _ = try system.start(["run", "relay", "work"])
            try await eventually("what was opened again is done") {
                try await system.stores.count("analysis.analysis_requests WHERE generation > 1 AND status = 'queued'")
                    == 0
            }
            let after = try await Swept.run(system, ["--full"], settings: ["CHECK_SETTLE_WINDOW": "100ms"])
            expect(after, found: [])
            #expect(after.status == 0)
            await stores.close()
        }
    }

    /// The same is found, and nothing of what the analyses do.
    private func busy(_ system: QuartetSystem, planted: Set<Plant>) async throws {
        let (process, shop) = try await system.serve(with: ["relay", "work", "invalidate"])
        try await shop.addProduct("busy", reviews: 20)
        let isOver = Mutex(false)
        async let load = analyse(by: shop) { isOver.withLock { $0 } }
        let found = try await Swept.full(system)
        isOver.withLock { $0 = true }
        expect(found, found: planted)
        #expect(found.status == 1)
        #expect(try await load > 10)
        try await process.stop()
    }

    /// Some callers who each ask for one analysis after the other; returns how many were completed.
    private func analyse(by shop: Shop, until isOver: @escaping @Sendable () -> Bool) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var count = 0
                    while !isOver() {
                        let analysis = try await shop.closed(shop.submitted("busy"))
                        #expect(analysis.status == "completed")
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
    }

    private func expect(_ swept: Swept, found planted: Set<Plant>) {
        #expect(swept.plants.subtracting(planted).isEmpty, "invented")
        #expect(planted.subtracting(swept.plants).isEmpty, "missed")
        #expect(swept.found == planted.count)
    }
}

/// What a run of `quartet check --json` said.
struct Swept {
    struct Report: Decodable {
        struct Sweep: Decodable {
            struct Kind: Decodable {
                let found: Int
                let examples: [Example]
            }

            struct Example: Decodable {
                struct Repair: Decodable {
                    let isDone: Bool
                    let action: String
                    let after: String
                }

                let kind: FindingKind
                let key: String
                let detail: String
                let repair: Repair?
            }

            struct Walk: Decodable {
                let phase: String
                let rows: Int
            }

            let reach: String
            let resumes: Int
            let findings: [Kind]
            let walks: [Walk]
        }

        let consistent: Bool
        let found: Int
        let remaining: Int
        let sweep: Sweep
    }

    let status: Int32
    let report: Report

    var found: Int { report.found }
    var examples: [Report.Sweep.Example] { report.sweep.findings.flatMap(\.examples) }
    var plants: Set<Plant> { Set(examples.map { Plant(kind: $0.kind, key: $0.key) }) }
    func rows(_ phase: String) -> Int { report.sweep.walks.first { $0.phase == phase }?.rows ?? 0 }
    var notRepaired: [String] {
        examples.filter { $0.repair?.isDone != true }.map {
            "\($0.kind.rawValue) \($0.key): \($0.repair.map { "\($0.action) -> \($0.after)" } ?? "nothing done")"
        }
    }

    static func full(_ system: QuartetSystem, _ arguments: String...) async throws -> Swept {
        try await run(system, ["--full"] + arguments)
    }

    static func run(_ system: QuartetSystem, _ arguments: [String], settings: [String: String] = [:]) async throws
        -> Swept
    {
        let process = try TestProcess.quartet(
            ["check", "--json"] + arguments, environment: system.environment.merging(settings) { $1 },
            folder: system.folder)
        do {
            guard case .status(let status) = try await process.waitForEnd(), status < 2 else {
                throw TestFailure("check ended with \(String(describing: process.end))\(process.lastWords)")
            }
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return Swept(status: status, report: try decoder.decode(Report.self, from: Data(process.output.utf8)))
        } catch {
            await process.kill()
            throw error
        }
    }
}
