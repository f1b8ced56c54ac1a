import ClientSupport
import Foundation
import Mongo
import Postgres
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

@Suite("Sweeps", .serialized)
struct SweepTests {
    private static let settings = [
        "CHECK_SETTLE_WINDOW": "200ms", "CHECK_SECOND_LOOK_PAUSE": "200ms", "CHECK_WORK_SHARE": "100",
        "CHECK_SCHEDULE": "off", "CHECK_ALERTS_MAX": "0", "WORKER_RETRY_MAX": "300d",
    ]

    private func withSeeded(
        _ count: Int, spacingMilliseconds: Int = 1, _ body: (QuartetSystem, SeededStores) async throws -> Void
    ) async throws {
        try await QuartetSystem.run(on: TestStack.shared, settings: Self.settings) { system in
            let stores = try SeededStores(system, count: count, spacingMilliseconds: spacingMilliseconds)
            do {
                try await stores.write()
                try await body(system, stores)
            } catch {
                await stores.close()
                throw error
            }
            await stores.close()
        }
    }

    /// Runs `quartet check` to its end, whatever its status.
    private func check(_ system: QuartetSystem, _ arguments: [String]) async throws -> (ChildProcess.End, TestProcess) {
        let process = try system.start(["check"] + arguments)
        return (try await process.waitForEnd(), process)
    }

    @Test("while one sweep runs, a second one says who holds the lock and ends with 2")
    func exclusion() async throws {
        try await withSeeded(100) { system, stores in
            try await stores.postgres.withAdvisoryLock(0x7175_6172_7465_7401) { _ in
                let (end, process) = try await check(system, [])
                #expect(end == .status(2))
                #expect(process.log.contains("another sweep is running"))
                #expect(process.log.contains(/process \d+ \(quartet, from/))
            }
            let (end, _) = try await check(system, [])
            #expect(end == .status(0))
        }
    }

    @Test("a task that is due later than anything can make it is found and enqueued anew")
    func lateTask() async throws {
        try await withSeeded(100) { system, stores in
            let planted = try await Planter(stores: stores, system: system).plantLateTask()
            #expect(try await Swept.full(system).plants == planted)
            let mended = try await Swept.full(system, "--repair")
            #expect(mended.plants == planted && mended.notRepaired.isEmpty)
            #expect(try await Swept.full(system).plants.isEmpty)
        }
    }

    @Test("a store that is away, or an unknown key, ends a sweep with 2")
    func unable() async throws {
        try await withSeeded(10) { system, _ in
            let process = try system.start(
                ["check"],
                settings: ["MONGODB_URL": "mongodb://127.0.0.1:9/x", "MONGODB_SERVER_SELECTION_TIMEOUT": "300ms"])
            #expect(try await process.waitForEnd() == .status(2))
            #expect(process.log.contains("check: "))
        }
    }

    @Test("a sweep that is killed goes on where it was")
    func killed() async throws {
        try await withSeeded(5_000) { system, stores in
            let planter = Planter(stores: stores, system: system)
            let planted = try await planter.plantMissingTasks([0, 4_900])
            let slow = ["CHECK_REQUESTS_PER_CHUNK": "100", "CHECK_WORK_SHARE": "2"]
            let process = try system.start(["check", "--json"], settings: slow)
            try await eventually("the sweep has come some way") {
                let rows = try await system.stores.count(
                    """
                    consistency.consistency_sweeps s JOIN consistency.consistency_findings USING (sweep_id)
                    WHERE s.state = 'running' AND s.progress::text LIKE '%"after"%'
                    """)
                return rows > 0
            }
            await process.kill()
            let swept = try await Swept.run(system, [])
            #expect(swept.report.sweep.resumes == 1)
            #expect(swept.plants == planted)
            #expect(try await Swept.run(system, []).report.sweep.reach == "incremental")
        }
    }

    @Test("a finding becomes an event in the topic for alerts, and a page of HTML can be had")
    func alerts() async throws {
        try await withSeeded(50) { system, stores in
            let planted = try await Planter(stores: stores, system: system).plantMissingTasks([10])
            let page = system.folder.appendingPathComponent("check.html")
            let metrics = system.folder.appendingPathComponent("check.prom")
            let process = try system.start(
                ["check", "--html", page.path, "--metrics", metrics.path], settings: ["CHECK_ALERTS_MAX": "10"])
            let end = try await process.waitForEnd()
            #expect(end == .status(1))
            #expect(process.output.contains("I1 open request without a task: 1"))
            let key = try #require(planted.first?.key)
            #expect(try String(contentsOf: page, encoding: .utf8).contains(key))
            #expect(
                try String(contentsOf: metrics, encoding: .utf8)
                    .contains(#"quartet_check_findings_remaining{invariant="I1"} 1"#))
            _ = try system.start(["run", "relay"])
            try await eventually("the event is published") {
                try await system.stores.aggregates(in: .alerts).contains("I1/task.missing/\(key)")
            }
        }
    }

    @Test("what was found and not mended is looked at again by the next sweep, also behind its beginning")
    func again() async throws {
        try await withSeeded(500) { system, stores in
            let planter = Planter(stores: stores, system: system)
            let planted = try await planter.plantWrongDigest(13)
            #expect(try await Swept.full(system).plants == planted)
            let next = try await Swept.run(system, [])
            #expect(next.report.sweep.reach == "incremental")
            #expect(next.plants == planted)
            let mended = try await Swept.run(system, ["--repair"])
            #expect(mended.plants == planted && mended.notRepaired.isEmpty && mended.status == 0)
            // The event of the new result waits for a relay.
            let last = try await Swept.run(system, ["--full", "--invariant", "I1,I2,I3,I4,I5,I6"])
            #expect(last.plants.isEmpty)
            let before = try await system.stores.rows(
                "SELECT action, before <> after FROM consistency.consistency_findings WHERE is_repaired")
            #expect(before == [["folded again", "t"]])
        }
    }

    @Test("the role sweeps on its schedule, and mends if it is told to")
    func schedule() async throws {
        try await withSeeded(100) { system, stores in
            _ = try await Planter(stores: stores, system: system).plantMissingTasks([20, 40])
            let role = try system.start(
                ["run", "check", "relay"], settings: ["CHECK_SCHEDULE": "1s", "CHECK_REPAIR": "true"])
            try await eventually("a sweep has mended, and a later one found nothing") {
                try await system.stores.rows(
                    """
                    SELECT findings, repaired FROM consistency.consistency_sweeps WHERE state = 'finished'
                    ORDER BY started_at LIMIT 2
                    """) == [["2", "2"], ["0", "0"]]
            }
            #expect(role.log.contains("stores agree"))
        }
    }

    @Test("more keyword details without a request than are read at once are all found, and go; the others stay")
    func manyOrphans() async throws {
        try await withSeeded(300) { system, stores in
            let planter = Planter(stores: stores, system: system)
            let planted = try await planter.plantOrphanedKeywords(Array(-70 ..< -35) + Array(300..<340))
            let small = ["CHECK_REQUESTS_PER_CHUNK": "80", "CHECK_EXAMPLES_PER_KIND": "1000"]
            let mended = try await Swept.run(system, ["--full", "--repair"], settings: small)
            #expect(mended.plants == planted)
            #expect(mended.notRepaired.isEmpty && mended.status == 0)
            let left = try await stores.collection("keyword_details").countDocuments()
            #expect(left == (0..<300).count { stores.status($0) == .completed })
            #expect(try await Swept.run(system, ["--full"], settings: small).plants.isEmpty)
        }
    }

    @Test("a sweep since a time walks what was submitted since then, and folds what was closed since then")
    func since() async throws {
        try await withSeeded(400, spacingMilliseconds: 1000) { system, stores in
            let planter = Planter(stores: stores, system: system)
            let earlier = try await planter.plantMissingTasks([195]).union(planter.plantWrongDigest(198))
            let later = try await planter.plantMissingTasks([205, 395]).union(planter.plantWrongDigest(203))
            // Walked, but closed before.
            let unfolded = try await planter.plantWrongDigest(303)
            try await stores.postgres.execute(
                script: """
                    UPDATE analysis.analysis_requests SET closed_at = created_at - interval '10 minutes'
                    WHERE request_id = '\(stores.id(303))'
                    """)
            // Ids are made by other clocks: the walk begins a minute before.
            let date = stores.submittedAt(200).addingTimeInterval(60).ISO8601Format()
            let swept = try await Swept.run(system, ["--since", date])
            #expect(swept.plants == later)
            #expect(swept.rows("requests") == 200)
            // The first stretch of cards is as long as the requests that were walked.
            let cards = (200..<400).filter { stores.status($0) == .completed }.map { stores.cards($0).count }
            #expect(swept.rows("cards") == cards.reduce(0, +))
            #expect(try await Swept.full(system).plants == earlier.union(later).union(unfolded))
        }
    }

    @Test("a cursor that is behind where the last sweep saw it, or gone, is told once")
    func cursorWentBack() async throws {
        try await withSeeded(10) { system, stores in
            func set(_ assignment: String) async throws {
                try await stores.postgres.execute(script: "UPDATE events.outbox_cursors SET \(assignment)")
            }
            try await stores.postgres.execute(
                script: """
                    INSERT INTO events.outbox_cursors (sink, shard, epoch, position)
                    VALUES ('queue', 2, 1, 705), ('events', 3, 1, 705)
                    """)
            #expect(try await Swept.full(system).plants.isEmpty)
            try await set("position = 706")
            #expect(try await Swept.full(system).plants.isEmpty)
            try await set("position = 705 WHERE sink = 'queue'")
            let first = try await Swept.full(system)
            #expect(first.plants == [Plant(kind: .cursorWentBack, key: "dropship.queue/2")] && first.status == 1)
            #expect(first.examples.first?.detail.contains("706") == true)
            #expect(try await Swept.full(system).plants.isEmpty)
            try await set("position = 99 WHERE sink = 'events'")
            try await stores.postgres.execute(script: "DELETE FROM events.outbox_cursors WHERE sink = 'queue'")
            let both = try await Swept.full(system, "--repair")
            #expect(
                both.plants == [
                    Plant(kind: .cursorWentBack, key: "dropship.events/3"),
                    Plant(kind: .cursorWentBack, key: "dropship.queue/2"),
                ])
            #expect(both.notRepaired.isEmpty && both.status == 0)
        }
    }

    @Test("a sample finds the faults of its own keys alone")
    func sample() async throws {
        try await withSeeded(2_000) { system, stores in
            let numbers = (0..<2_000).filter { stores.status($0) == .queued }
            let planted = try await Planter(stores: stores, system: system).plantMissingTasks(numbers)
            let swept = try await Swept.run(
                system, ["--full", "--sample", "0.25", "--invariant", "I1"],
                settings: ["CHECK_EXAMPLES_PER_KIND": "1000"])
            let sample = KeySample(0.25)
            let expected = planted.filter { RequestID($0.key).map(sample.contains) ?? false }
            #expect(swept.plants == expected)
            #expect(!expected.isEmpty && expected.count < planted.count)
        }
    }
}
