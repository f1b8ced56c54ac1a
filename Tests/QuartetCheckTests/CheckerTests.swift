import Foundation
import QuartetCheck
import QuartetCore
import QuartetRoles
import QuartetTesting
import Synchronization
import Testing

@Suite("Checker")
struct CheckerTests {
    @Test("stores that agree give nothing, whatever the chunks", arguments: [1, 3, 100])
    func agreement(chunk: Int) async throws {
        let fixture = CheckFixture { $0.requestsPerChunk = chunk }
        _ = try await fixture.submit(20)
        let report = try await fixture.sweep()
        #expect(report.isConsistent && report.found == 0)
        #expect(report.walks.first { $0.phase == "requests" }?.rows == 20)
        #expect(!report.invariants.contains { !$0.isChecked })
    }

    @Test("what is wrong twice is found, on both sides, with what the stores say")
    func disagreement() async throws {
        let fixture = CheckFixture()
        let ids = try await fixture.submit(35)
        for number in [0, 9, 10, 34] { try await fixture.setTask(ids[number], isDead: nil) }
        try await fixture.setTask(ids[20], isDead: true)
        let stranger = requestID(madeAt: Date(timeIntervalSince1970: 1_600_000_000))
        fixture.sessions.put(fixture.session(stranger))
        let report = try await fixture.sweep()
        let found = Dictionary(uniqueKeysWithValues: report.findings.map { ($0.kind, $0) })
        #expect(Set(found.keys) == [.taskMissing, .taskDeadButOpen, .sessionOrphaned])
        #expect(Set(found[.taskMissing]?.examples.map(\.key) ?? []) == Set([0, 9, 10, 34].map { ids[$0].description }))
        #expect(found[.taskMissing]?.examples.first?.detail.contains("no task") == true)
        #expect(report.remaining == 6 && !report.isConsistent)
    }

    @Test("what is right at the second look is not reported")
    func healing() async throws {
        let fixture = CheckFixture()
        let ids = try await fixture.submit(5)
        try await fixture.setTask(ids[2], isDead: nil)
        try await fixture.setTask(ids[3], isDead: nil)
        let report = try await fixture.sweep { try await fixture.setTask(ids[2], isDead: false) }
        #expect(report.findings.flatMap(\.examples).map(\.key) == [ids[3].description])
    }

    @Test("what is wrong in another way at the second look is not reported either")
    func change() async throws {
        let fixture = CheckFixture()
        let ids = try await fixture.submit(1)
        try await fixture.setTask(ids[0], isDead: nil)
        let report = try await fixture.sweep { try await fixture.setTask(ids[0], isDead: true) }
        #expect(report.found == 0)
    }

    @Test("only what was asked for is checked")
    func chosen() async throws {
        let fixture = CheckFixture()
        let ids = try await fixture.submit(3)
        try await fixture.setTask(ids[0], isDead: nil)
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
        let fixture = CheckFixture { $0.suspectsMax = 0 }
        let ids = try await fixture.submit(50)
        try await fixture.setTask(ids[5], isDead: nil)
        try await fixture.setTask(ids[45], isDead: nil)
        let reads = Mutex<[RequestID]>([])
        fixture.documents.beforeReadingTasks { range in
            try reads.withLock { reads in
                guard reads.count < 4 else { throw FakeDatabaseError.unavailable }
                reads.append(range.after)
            }
        }
        await #expect(throws: FakeDatabaseError.unavailable) { try await fixture.sweep() }
        let place = try #require(fixture.sweeps.state.withLock { $0.running })
        reads.withLock { $0 = [] }
        fixture.documents.beforeReadingTasks { range in reads.withLock { $0.append(range.after) } }
        let report = try await fixture.sweep()
        #expect(report.resumes == 1 && report.id == place.id)
        #expect(Set(report.findings.flatMap(\.examples).map(\.key)) == [ids[5].description, ids[45].description])
        let first = reads.withLock(\.first)
        #expect(first == place.progress[.requests].after.map(RequestID.init) ?? .lowest)
        #expect(place.progress[.requests].after != nil)
    }

    @Test("a second sweep says who has the lock")
    func exclusion() async throws {
        let fixture = CheckFixture()
        fixture.sweeps.state.withLock { $0.holder = "somebody" }
        await #expect(throws: SweepInProgress(holder: "somebody")) { try await fixture.sweep() }
    }

    @Test("the next sweep begins where requests were open, and looks again at what was left")
    func incremental() async throws {
        let fixture = CheckFixture()
        let ids = try await fixture.submit(30)
        try await fixture.fail(ids[..<20])
        for id in ids[..<20] {
            try await fixture.setTask(id, isDead: true)
        }
        try await fixture.setTask(ids[3], isDead: nil)
        let first = try await fixture.sweep()
        #expect(first.reach == "full" && first.found == 1)
        try await fixture.setTask(ids[4], isDead: nil)
        try await fixture.setTask(ids[20], isDead: nil)
        try await fixture.setTask(ids[29], isDead: nil)
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
        let fixture = CheckFixture()
        let ids = try await fixture.submit(4)
        try await fixture.fail([ids[0]])
        let stranger = requestID(madeAt: Date(timeIntervalSince1970: 1_600_000_000))
        fixture.sessions.put(fixture.session(stranger))
        try await fixture.queue.enqueue([fixture.task(stranger)])
        try await fixture.setTask(ids[1], isDead: nil)
        fixture.queue.failNext(.enqueue, with: FakeDatabaseError.unavailable)
        var options = SweepOptions()
        options.repairs = true
        let report = try await fixture.sweep(options)
        let findings = report.findings.flatMap(\.examples)
        #expect(
            Set(findings.filter(\.isRepaired).map(\.kind)) == [.taskLiveButFailed, .taskOrphaned, .sessionOrphaned])
        #expect(report.remaining == 1 && findings.filter { !$0.isRepaired }.map(\.kind) == [.taskMissing])
        let orphan = try #require(findings.first { $0.kind == .taskOrphaned }?.repair)
        #expect(orphan.before.contains("live task") && orphan.after.contains("no task"))
        #expect(findings.first { $0.kind == .taskMissing }?.repair?.action == "failed: database away")
        // The next one finds no more than that, and can.
        let second = try await fixture.sweep(options)
        #expect(second.found == 1 && second.remaining == 0)
        #expect(fixture.queue.contents(of: ids[1])?.task == fixture.task(ids[1]))
    }

    @Test("results that are missing or wrong are folded again, or run again where cards are missing")
    func results() async throws {
        let fixture = CheckFixture()
        let ids = try await fixture.submit(5)
        for id in ids { try await fixture.complete(id) }
        // What is written from now on is not settled.
        fixture.clock.advance(by: .seconds(3600))
        #expect(try await fixture.sweep().found == 0)
        let checkStore = FakeRequestCheckStore(database: fixture.database)
        let right = try await checkStore.documents(of: ids)
        let document = try #require(right[1])
        fixture.database.removeResults([ids[0], ids[3]])
        fixture.database.plant(
            ResultDocument(
                facts: document.facts, productID: document.productID, analyzer: document.analyzer,
                json: Array("{}".utf8)))
        try await fixture.documents.removeCards([(id: ids[3], from: 1)])
        var options = SweepOptions()
        options.reach = .full
        options.repairs = true
        let report = try await fixture.sweep(options)
        let found = report.findings.flatMap(\.examples).map { "\($0.kind.rawValue) \($0.key)" }
        #expect(
            Set(found) == [
                "\(FindingKind.resultMissing.rawValue) \(ids[0])", "\(FindingKind.foldDocument.rawValue) \(ids[1])",
                "\(FindingKind.resultMissing.rawValue) \(ids[3])",
            ])
        #expect(report.remaining == 0)
        #expect(try await checkStore.documents(of: ids) == [right[0], right[1], right[2], nil, right[4]])
        let again = try #require(try await fixture.requests.requests([ids[3]])[0])
        #expect(again.status == .queued && again.generation == 2)
    }

    @Test(
        "references to what is not there are found, whatever the chunks, and mended as they say",
        arguments: [1, 2, 100])
    func references(chunk: Int) async throws {
        let fixture = CheckFixture { $0.requestsPerChunk = chunk }
        _ = try await fixture.submit(1)
        let targets = ["here", "gone", "no product's id", "here"]
        func row(_ number: Int, _ target: String, late: Double = 0) -> ReferenceFacts {
            ReferenceFacts(
                key: "\(number)", target: target, version: 1, changedAt: fixture.began.addingTimeInterval(late))
        }
        for reference in fixture.references {
            reference.plant(target: "here")
            for (number, target) in targets.enumerated() { reference.plant(row(number, target)) }
            // One that has just been made may be ahead of what it names.
            reference.plant(row(9, "soon", late: 3590))
        }
        let wrong = ["market_listings", "benchmark_products"].flatMap { table in [1, 2].map { "\(table)/\($0)" } }
        let report = try await fixture.sweep()
        let found = report.findings.flatMap(\.examples)
        #expect(Set(found.map(\.key)) == Set(wrong))
        #expect(found.allSatisfy { $0.invariant == .i10 && $0.kind == .referenceDangling && $0.repair == nil })
        #expect(found.contains { $0.detail == "product_id gone is not in products" })
        #expect(report.walks.first { $0.phase == "references" }?.rows == 10)

        var options = SweepOptions()
        options.repairs = true
        let mended = try await fixture.sweep(options)
        let repaired = mended.findings.flatMap(\.examples).filter(\.isRepaired)
        #expect(Set(repaired.map(\.key)) == ["benchmark_products/1", "benchmark_products/2"])
        #expect(mended.remaining == 2)
    }

    @Test("rows of a read model that are not their source's are found and copied again", arguments: [1, 2, 3, 100])
    func readModels(chunk: Int) async throws {
        let fixture = CheckFixture { $0.requestsPerChunk = chunk }
        _ = try await fixture.submit(1)
        func user(
            _ key: String, _ version: Int64, _ name: String = "n", isDeleted: Bool = false, late: Double = 0
        ) -> ReadModelFacts {
            ReadModelFacts(
                key: key, version: version, isDeleted: isDeleted,
                changedAt: fixture.began.addingTimeInterval(late), digest: isDeleted ? "" : name)
        }
        let ids = (0..<9).map { "상품 \($0) \(UUID())" }
        fixture.readModels.plant(source: user(ids[0], 1), copy: user(ids[0], 1))
        fixture.readModels.plant(source: user(ids[1], 2), copy: user(ids[1], 1))
        fixture.readModels.plant(source: user(ids[2], 1))
        fixture.readModels.plant(source: user(ids[3], 2), copy: user(ids[3], 9))
        fixture.readModels.plant(source: user(ids[4], 2), copy: user(ids[4], 2, "other"))
        fixture.readModels.plant(copy: user(ids[5], 1))
        fixture.readModels.plant(source: user(ids[6], 3, isDeleted: true), copy: user(ids[6], 2))
        // One that was deleted before there was a copy, and one that has just been made.
        fixture.readModels.plant(source: user(ids[7], 3, isDeleted: true))
        fixture.readModels.plant(source: user(ids[8], 1, late: 3590))
        fixture.products.plant(source: user("p", 1))
        fixture.products.plant(source: user("q", 1), copy: user("q", 1))
        let found = try await fixture.sweep().findings
        func keys(_ kind: FindingKind) -> Set<String> {
            Set(found.filter { $0.kind == kind }.flatMap(\.examples).map(\.key))
        }
        func named(_ places: Int...) -> Set<String> {
            Set(places.map { "users_view/\(ids[$0])" })
        }
        #expect(keys(.readModelBehind) == named(1, 2, 6).union(["products_view/p"]))
        #expect(keys(.readModelDiffers) == named(3, 4, 5))
        var options = SweepOptions()
        options.repairs = true
        options.reach = .full
        let mended = try await fixture.sweep(options)
        #expect(mended.found == 7 && mended.remaining == 0)
        #expect(try await fixture.sweep().found == 0)
        #expect(try await fixture.readModels.copy(ids).count == 6)
    }

    @Test("rows that wait and cursors that went back are found, caches are compared with their rows")
    func copies() async throws {
        let fixture = CheckFixture()
        let (database, cache, caches) = (fixture.database, fixture.cache, fixture.caches)
        let ids = ["stale", "fresh", "unsettled", "rowless"].compactMap { ProductID($0) }
        let products = FakeProductStore(database: database)
        _ = try await products.put([(ids[0], "old"), (ids[1], "fresh"), (ids[2], "unsettled")])
        _ = try await products.put([(ids[0], "new")])
        // Beyond whatever is written.
        database.putCursor(of: .queue, shard: 1, at: 1_000_009)
        try await fixture.deliver()
        #expect(try await fixture.sweep().found == 0)

        for key in ids.map(CacheKey.product) + [.analysis(ids[2])] {
            #expect(try await cache.put(CacheEntry(version: 1, value: [1]), at: key))
        }
        let eternal = Array("\(caches.prefix)eternal".utf8)
        caches.plant(eternal, timeToLive: nil)
        database.putCursor(of: .queue, shard: 1, at: 1_000_008)
        database.plantRows(3, .productUpdated, shard: 2, at: Date(timeIntervalSince1970: 1_700_000_000))
        try await fixture.deliver(to: [.queue])
        // What is behind the last entry has come about just now.
        fixture.clock.advance(by: .seconds(3600))
        let request = Submission(id: .make(), productID: ids[2])
        _ = try await fixture.requests.submit([request])
        let result = Fold.result(of: [], session: fixture.session(request.id, of: ids[2]))
        #expect(try await fixture.requests.finalise([Finalisation(result: result)])[0].close == .closed)

        let report = try await fixture.sweep()
        let found = Set(report.findings.flatMap(\.examples).map { "\($0.kind.rawValue) \($0.key)" })
        #expect(
            found == [
                "outbox.waiting fake.events/2", "outbox.cursor_went_back fake.queue/1",
                "cache.stale fake:product_cache:{stale}",
                "cache.without_row fake:product_cache:{rowless}", "key.without_expiry fake:eternal",
            ])
        let waiting = report.findings.first { $0.kind == .outboxWaiting }?.examples.first
        // The shard may have the request's two rows as well.
        #expect([3, 5].contains { waiting?.detail == "\($0) rows wait, the first of type catalog.product.updated" })
        // The next sweep remembers where the cursor is now.
        try await fixture.deliver()
        cache.lose()
        caches.setTimeToLive(of: eternal, .seconds(60))
        #expect(try await fixture.sweep().found == 0)
    }

    @Test("stale entries and keys that never expire are mended")
    func cacheRepair() async throws {
        let fixture = CheckFixture()
        let id = CheckFixture.product
        let products = FakeProductStore(database: fixture.database)
        for name in ["old", "new"] { _ = try await products.put([(id, name)]) }
        try await fixture.deliver()
        #expect(try await fixture.cache.put(CacheEntry(version: 1, value: [1]), at: .product(id)))
        let eternal = fixture.caches.name(of: .analysis(id))
        fixture.caches.plant(eternal, timeToLive: nil)
        var options = SweepOptions()
        options.repairs = true
        let report = try await fixture.sweep(options)
        #expect(report.found == 2 && report.remaining == 0)
        #expect(try await fixture.cache.get(.product(id)) == nil)
        #expect(try await fixture.cache.put(CacheEntry(version: 1, value: [1]), at: .product(id)) == false)
        #expect(fixture.caches.timeToLive(of: eternal) == FakeVersionedCache.analysisTTL)
    }
}

@Suite("Sweep report")
struct SweepReportTests {
    @Test("the page and the text name what was found, and escape it")
    func page() async throws {
        let fixture = CheckFixture()
        fixture.caches.plant(Array("\(fixture.caches.prefix)<b>&".utf8), timeToLive: nil)
        let report = try await fixture.sweep()
        #expect(report.page.contains("&lt;b&gt;&amp;") && !report.page.contains("<b>&"))
        #expect(report.page.contains("1 findings remain") && !report.page.contains("http"))
        #expect(report.text().contains("I8 key that never expires: 1"))
        #expect(report.text().contains("I9  each read model equals its source"))
        #expect(try report.json().contains("\"kind\" : \"key.without_expiry\""))
    }
}
