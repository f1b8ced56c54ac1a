import Foundation
import Logging
import QuartetCore
import QuartetRoles
import QuartetTesting
import StoreKit
import Synchronization
import Testing

/// A checker on fakes, in a time that the test moves.
private final class Fixture: Sendable {
    let clock = ManualClock()
    let database: FakeDatabase
    let queue: FakeTaskQueue
    let audits: FakeAudits
    let sweeps: FakeSweeps
    let cache = FakeVersionedCache()
    let configuration: CheckConfiguration

    init(_ configure: (inout CheckConfiguration) -> Void = { _ in }) {
        var configuration = CheckConfiguration()
        configuration.workShare = 100
        configuration.requestsPerChunk = 10
        configuration.settleWindow = .seconds(60)
        configuration.secondLookPause = .seconds(2)
        configure(&configuration)
        self.configuration = configuration
        database = FakeDatabase(now: { Date(timeIntervalSince1970: 1_700_000_000) })
        queue = FakeTaskQueue(clock: clock)
        audits = FakeAudits(store: FakeRequestStore(database: database))
        sweeps = FakeSweeps { Date(timeIntervalSince1970: 1_700_003_600) }
    }

    var checker: Checker {
        let ports = CheckPorts(
            sweeps: sweeps, requests: FakeRequestStore(database: database), audit: audits, documents: audits,
            queue: queue, sessions: FakeSessionStore(), cards: FakeCardStore(), keywords: FakeKeywordStore(),
            outboxAudit: audits,
            outbox: FakeOutboxStore(database: database), deliveries: [], caches: audits, cache: cache)
        return Checker(
            ports: ports, configuration: configuration, holder: "test", time: SweepTime(clock: clock),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Submits requests that are open, with their tasks, and returns their ids in order.
    func submit(_ count: Int) async throws -> [RequestID] {
        let product = ProductID("p")!
        _ = try await FakeProductStore(database: database).put([(product, "p")])
        let ids = (0..<count).map { number in
            requestID(madeAt: Date(timeIntervalSince1970: 1_700_000_000 + Double(number)))
        }.sorted()
        _ = try await FakeRequestStore(database: database).submit(ids.map { Submission(id: $0, productID: product) })
        audits.ids.withLock { $0 = ids }
        audits.state.withLock { state in
            for id in ids { state.tasks[id] = TaskFacts(id: id, isDead: false, generation: 1) }
        }
        return ids
    }

    func setTask(_ id: RequestID, isDead: Bool?) {
        audits.state.withLock { state in
            state.tasks[id] = isDead.map { TaskFacts(id: id, isDead: $0, generation: 1) }
        }
    }

    /// Sweeps while the clock is moved on whenever the sweep waits; `beforeMove` comes before each move.
    func sweep(
        _ options: SweepOptions = SweepOptions(), beforeMove: @Sendable () async throws -> Void = {}
    ) async throws -> SweepReport {
        let checker = checker
        return try await withThrowingTaskGroup(of: SweepReport?.self) { group in
            group.addTask { try await checker.runOnce(options) }
            while true {
                group.addTask { [clock] in
                    try await clock.sleepers(atLeast: 1)
                    return nil
                }
                guard let report = try await group.next() else { throw CancellationError() }
                if let report {
                    group.cancelAll()
                    return report
                }
                try await beforeMove()
                clock.advance(by: .seconds(60))
            }
        }
    }
}

@Suite("Checker")
struct CheckerTests {
    @Test("stores that agree give nothing, whatever the chunks", arguments: [1, 3, 100])
    func agreement(chunk: Int) async throws {
        let fixture = Fixture { $0.requestsPerChunk = chunk }
        _ = try await fixture.submit(20)
        let report = try await fixture.sweep()
        #expect(report.isConsistent && report.found == 0)
        #expect(report.walks.first { $0.phase == "requests" }?.rows == 20)
        #expect(report.invariants.filter { !$0.isChecked }.map(\.invariant) == [.i9, .i10])
    }

    @Test("what is wrong twice is found, on both sides, with what the stores say")
    func disagreement() async throws {
        let fixture = Fixture()
        let ids = try await fixture.submit(35)
        for number in [0, 9, 10, 34] { fixture.setTask(ids[number], isDead: nil) }
        fixture.setTask(ids[20], isDead: true)
        let stranger = requestID(madeAt: Date(timeIntervalSince1970: 1_600_000_000))
        fixture.audits.state.withLock { _ = $0.sessions.insert(stranger) }
        let report = try await fixture.sweep()
        let found = Dictionary(uniqueKeysWithValues: report.findings.map { ($0.kind, $0) })
        #expect(Set(found.keys) == [.taskMissing, .taskDeadButOpen, .sessionOrphaned])
        #expect(Set(found[.taskMissing]?.examples.map(\.key) ?? []) == Set([0, 9, 10, 34].map { ids[$0].description }))
        #expect(found[.taskMissing]?.examples.first?.detail.contains("no task") == true)
        #expect(report.remaining == 6 && !report.isConsistent)
    }

    @Test("what is right at the second look is not reported")
    func healing() async throws {
        let fixture = Fixture()
        let ids = try await fixture.submit(5)
        fixture.setTask(ids[2], isDead: nil)
        fixture.setTask(ids[3], isDead: nil)
        let report = try await fixture.sweep { fixture.setTask(ids[2], isDead: false) }
        #expect(report.findings.flatMap(\.examples).map(\.key) == [ids[3].description])
    }

    @Test("what is wrong in another way at the second look is not reported either")
    func change() async throws {
        let fixture = Fixture()
        let ids = try await fixture.submit(1)
        fixture.setTask(ids[0], isDead: nil)
        let report = try await fixture.sweep { fixture.setTask(ids[0], isDead: true) }
        #expect(report.found == 0)
    }

    @Test("only what was asked for is checked")
    func chosen() async throws {
        let fixture = Fixture()
        let ids = try await fixture.submit(3)
        fixture.setTask(ids[0], isDead: nil)
        var options = SweepOptions()
        options.invariants = [.i7, .i8]
        let report = try await fixture.sweep(options)
        #expect(report.found == 0)
        #expect(report.invariants.filter(\.isChecked).map(\.invariant) == [.i7, .i8])
        options.invariants = [.i1]
        #expect(try await fixture.sweep(options).found == 1)
    }

    @Test("a sweep that was cut off goes on behind what was judged")
    func resuming() async throws {
        // A place is saved as soon as there is a suspect.
        let fixture = Fixture { $0.suspectsMax = 0 }
        let ids = try await fixture.submit(50)
        fixture.setTask(ids[5], isDead: nil)
        fixture.setTask(ids[45], isDead: nil)
        fixture.audits.state.withLock { $0.failsAtRead = 4 }
        await #expect(throws: FakeAudits.Failure.self) { try await fixture.sweep() }
        let place = try #require(fixture.sweeps.state.withLock { $0.running })
        fixture.audits.state.withLock { $0.failsAtRead = .max }
        let reads = fixture.audits.state.withLock { $0.reads.count }
        let report = try await fixture.sweep()
        #expect(report.resumes == 1 && report.id == place.id)
        #expect(Set(report.findings.flatMap(\.examples).map(\.key)) == [ids[5].description, ids[45].description])
        let first = fixture.audits.state.withLock { $0.reads[reads] }
        #expect(first == place.progress[.requests].after.map(RequestID.init) ?? .lowest)
        #expect(place.progress[.requests].after != nil)
    }

    @Test("a second sweep says who has the lock")
    func exclusion() async throws {
        let fixture = Fixture()
        fixture.sweeps.state.withLock { $0.holder = "somebody" }
        await #expect(throws: SweepInProgress(holder: "somebody")) { try await fixture.sweep() }
    }

    @Test("the next sweep begins where requests were open, and looks again at what was left")
    func incremental() async throws {
        let fixture = Fixture()
        let ids = try await fixture.submit(30)
        let requests = FakeRequestStore(database: fixture.database)
        for id in ids[..<20] {
            _ = try await requests.fail([RequestFailure(requestID: id, generation: 1, message: "no")])
            fixture.setTask(id, isDead: true)
        }
        fixture.setTask(ids[3], isDead: nil)
        let first = try await fixture.sweep()
        #expect(first.reach == "full" && first.found == 1)
        fixture.setTask(ids[4], isDead: nil)
        fixture.setTask(ids[20], isDead: nil)
        fixture.setTask(ids[29], isDead: nil)
        let second = try await fixture.sweep()
        #expect(second.reach == "incremental")
        // What went wrong behind its back is the full sweep's.
        #expect(
            Set(second.findings.flatMap(\.examples).map(\.key)) == Set([3, 20, 29].map { ids[$0].description }))
        var options = SweepOptions()
        options.reach = .full
        #expect(try await fixture.sweep(options).found == 4)
    }

    @Test("repairs are verified and recorded with before and after")
    func repair() async throws {
        let fixture = Fixture()
        let ids = try await fixture.submit(4)
        _ = try await FakeRequestStore(database: fixture.database).fail([
            RequestFailure(requestID: ids[0], generation: 1, message: "no")
        ])
        let stranger = requestID(madeAt: Date(timeIntervalSince1970: 1_600_000_000))
        fixture.audits.state.withLock { state in
            state.sessions.insert(stranger)
            state.tasks[stranger] = TaskFacts(id: stranger, isDead: false, generation: 1)
        }
        // The queue that tasks are added to is not the one that is looked at: this can't be mended.
        fixture.setTask(ids[1], isDead: nil)
        var options = SweepOptions()
        options.repairs = true
        let report = try await fixture.sweep(options)
        let findings = report.findings.flatMap(\.examples)
        #expect(
            Set(findings.filter(\.isRepaired).map(\.kind)) == [.taskLiveButFailed, .taskOrphaned, .sessionOrphaned])
        #expect(report.remaining == 1 && findings.filter { !$0.isRepaired }.map(\.kind) == [.taskMissing])
        let orphan = try #require(findings.first { $0.kind == .taskOrphaned }?.repair)
        #expect(orphan.before.contains("live task") && orphan.after.contains("no task"))
        #expect(fixture.queue.contents(of: ids[1]) != nil)
    }

    @Test("rows that wait and cursors that went back are found, caches are compared with their rows")
    func copies() async throws {
        let fixture = Fixture()
        let product = ProductID("p")!
        func cursor(_ row: Int64) -> SweepProgress.Cursor {
            SweepProgress.Cursor(sink: "queue", shard: 1, position: OutboxPosition(transaction: 5, row: row))
        }
        fixture.audits.state.withLock { $0.cursors = [cursor(9)] }
        #expect(try await fixture.sweep().found == 0)
        fixture.audits.state.withLock { state in
            state.cursors = [cursor(8)]
            state.waiting = [
                WaitingRows(sink: .events, shard: 2, count: 3, oldest: .distantPast, firstType: "product.updated")
            ]
            state.rows = [.product(product): (7, .distantPast), .analysis(product): (7, .distantFuture)]
            state.keys = [
                CachedKey(name: Array("stale".utf8), expires: true, entry: (.product(product), 6)),
                CachedKey(name: Array("fresh".utf8), expires: true, entry: (.product(product), 7)),
                CachedKey(name: Array("unsettled".utf8), expires: true, entry: (.analysis(product), 6)),
                CachedKey(name: Array("rowless".utf8), expires: true, entry: (.product(ProductID("q")!), 6)),
                CachedKey(name: Array("eternal".utf8), expires: false, entry: nil),
            ]
        }
        let report = try await fixture.sweep()
        let found = Set(report.findings.flatMap(\.examples).map { "\($0.kind.rawValue) \($0.key)" })
        #expect(
            found == [
                "outbox.waiting events/2", "outbox.cursor_went_back queue/1", "cache.stale stale",
                "cache.without_row rowless", "key.without_expiry eternal",
            ])
        // The next sweep remembers where the cursor is now.
        fixture.audits.state.withLock { state in (state.waiting, state.keys) = ([], []) }
        #expect(try await fixture.sweep().found == 0)
    }
}

@Suite("Sweep report")
struct SweepReportTests {
    @Test("the page and the text name what was found, and escape it")
    func page() async throws {
        let fixture = Fixture()
        fixture.audits.state.withLock { state in
            state.keys = [CachedKey(name: Array("<b>&".utf8), expires: false, entry: nil)]
        }
        let report = try await fixture.sweep()
        #expect(report.page.contains("&lt;b&gt;&amp;") && !report.page.contains("<b>&"))
        #expect(report.page.contains("1 findings remain") && !report.page.contains("http"))
        #expect(report.text().contains("I8 key that never expires: 1"))
        #expect(report.text().contains("I9  each read model equals its source — not checked"))
        #expect(try report.json().contains("\"kind\" : \"key.without_expiry\""))
    }
}

/// An id of that time; those of one time are in the order of their numbers.
func requestID(madeAt date: Date, number: Int = 0) -> RequestID {
    let milliseconds = UInt64(date.timeIntervalSince1970 * 1000)
    let words = ((milliseconds << 16 | 0x7000).bigEndian, (0x8000_0000_0000_0000 | UInt64(number)).bigEndian)
    return withUnsafeBytes(of: words) { RequestID(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
}
