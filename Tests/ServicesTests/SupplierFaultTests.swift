import ClientSupport
import HTTPTypes
import QuartetCore
import QuartetStack
import Suppliers
import Synchronization
import SystemTesting
import Testing

@testable import QuartetService
@testable import ServiceSupport

/// What is wrong with a supplier, or with who fetches, costs no row.
@Suite("Supplier faults", .timeLimit(.minutes(5))) struct SupplierFaultTests {
    /// Rows that are there, and those that the supplier has.
    private func expectWhole(_ house: House, _ supplier: SupplierServer) async throws {
        let rows = try await house.value("SELECT count(*)::text FROM {supplier_item_raw} WHERE deleted_at IS NULL")
        #expect(rows == "\(supplier.change { $0.rows["items"]?.count ?? 0 })")
    }

    @Test("each fault is one line, and the next run goes on behind the last page that was taken")
    func faults() async throws {
        let cases: [(SupplierServer.Fault, String)] = [
            (.init(status: 401), "refuses the account's token (401)"),
            (.init(status: 404), "has no /items (404)"),
            (.init(status: 418), "refuses the request (418)"),
            (.init(body: "<html>"), "no JSON object"),
            (.init(body: #"{"items": 1}"#), "no array items"),
            (.init(body: #"{"items": [], "next": {}}"#), "next is neither text nor a number"),
            (.init(body: "{" + String(repeating: " ", count: 100_000)), "more than 65536 bytes"),
        ]
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(20 + 10 * cases.count)])
            var settings = House.quickSync
            settings.pageBytesMax = 65_536
            let sync = try await house.sync(of: supplier, settings)
            for (index, (fault, reason)) in cases.enumerated() {
                // One page is taken, then the fault comes.
                supplier.change { state in
                    let start = index * 10
                    let rows = state.rows["items"]?[start..<start + 10].joined(separator: ", ") ?? ""
                    state.faults = [.init(body: #"{"items": [\#(rows)], "next": "\#(start + 10)"}"#), fault]
                }
                let report = try #require(try await sync.run("acme", kinds: [.items]).first)
                #expect(report.error?.contains(reason) == true, "\(report)")
                #expect(report.error?.contains("\n") == false && report.pages == 1 && report.changed == 10)
                let error = "SELECT error FROM {supplier_sync_jobs} ORDER BY job_id DESC LIMIT 1"
                #expect(try await house.value(error) == report.error)
            }
            let state = try #require(try await sync.states().first { $0.kind == .items })
            #expect(state.lastError?.contains("more than 65536 bytes") == true)
            #expect(state.syncedAt == nil && state.openPassMet == 10 * cases.count && state.holder == nil)
            #expect(try await sync.run("acme", kinds: [.items]).first?.error == nil)
            let after = try #require(try await sync.states().first { $0.kind == .items })
            #expect(after.lastError == nil && after.syncedAt != nil && after.openPassMet == nil)
            try await expectWhole(house, supplier)
            #expect(try await house.events(of: .supplierItemRaw).count == 20 + 10 * cases.count)
        }
    }

    @Test("a supplier that says later is asked again, and not before it wants to be")
    func later() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(5)])
            let pauses = Mutex<[Duration]>([])
            var settings = House.quickSync
            settings.requestsPerSecond = 1_000
            let sync = try await house.sync(of: supplier, settings) { pause in pauses.withLock { $0.append(pause) } }
            supplier.change { state in
                state.faults = [
                    .init(status: 429, headers: [.retryAfter: "7"]), .init(status: 500), .init(status: 503),
                ]
            }
            #expect(try await sync.run("acme", kinds: [.items]).first?.error == nil)
            let waited = pauses.withLock { $0.filter { $0 >= .milliseconds(10) } }
            #expect(waited.count == 3 && waited[0] == .seconds(7))
            try await expectWhole(house, supplier)
            supplier.change { state in state.faults = Array(repeating: .init(status: 500), count: 5) }
            let report = try await sync.run("acme", kinds: [.items]).first
            #expect(report?.error == "the supplier answers 500, 5 times")
        }
    }

    @Test("requests go out at the supplier's pace")
    func pace() {
        var pace = Pace(perSecond: 4)
        let now = ContinuousClock.now
        #expect((0..<3).map { _ in pace.next(at: now) } == [.zero, .milliseconds(250), .milliseconds(500)])
        #expect(pace.next(at: now + .milliseconds(700)) == .milliseconds(50))
        // Time that went by unused is gone.
        #expect(pace.next(at: now + .seconds(60)) == .zero)
        #expect(pace.next(at: now + .seconds(60)) == .milliseconds(250))
    }

    @Test("bad rows are noted by their ids and stop nothing")
    func badRows() async throws {
        try await House.open(.oneDatabase) { house in
            var rows = SupplierServer.items(30)
            rows[3] = "17"
            rows[7] = #"{"name": "without an id"}"#
            rows[11] = #"{"id": "nul", "name": "a\u0000b"}"#
            rows[12] = #"{"id": "vast", "price": 1e-99999}"#
            rows[13] = #"{"id": true}"#
            rows[25] = #"{"id": "\#(String(repeating: "상", count: 100))", "name": "long"}"#
            let supplier = SupplierServer(["items": rows + [rows[0]]])
            let sync = try await house.sync(of: supplier)
            let report = try #require(try await sync.run("acme", kinds: [.items]).first)
            #expect(report.error == nil && report.refused == 5 && report.changed == 25 && report.met == 31, "\(report)")
            let noted = try await house.value(
                "SELECT string_agg(coalesce(item_id, '-'), ',' ORDER BY entry) FROM {supplier_raw_fetch_log} WHERE problem <> ''"
            )
            #expect(noted == "-,-,-,nul,vast")
            let long = try await house.value("SELECT raw_id FROM {supplier_item_raw} WHERE item_id LIKE '상%'")
            #expect(long?.wholeMatch(of: /#[0-9a-f]{32}/) != nil)
        }
    }

    @Test("pages in a ring are ended by name, and begun anew")
    func ring() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(30)])
            supplier.change { $0.ringFrom = 30 }
            let sync = try await house.sync(of: supplier)
            let report = try #require(try await sync.run("acme", kinds: [.items]).first)
            #expect(report.error?.contains("do not end") == true && report.changed == 30)
            supplier.change { state in
                state.ringFrom = nil
                state.requests = []
            }
            #expect(try await sync.run("acme", kinds: [.items]).first?.error == nil)
            #expect(supplier.change { $0.requests.first } == "items -")
        }
    }

    @Test("a cursor that the supplier does not know any longer begins the pass again")
    func goneCursor() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(30)])
            let sync = try await house.sync(of: supplier)
            supplier.change { state in
                let rows = state.rows["items"]?[..<10].joined(separator: ",") ?? ""
                state.faults = [.init(body: #"{"items": [\#(rows)], "next": "10"}"#), .init(status: 410)]
            }
            #expect(try await sync.run("acme", kinds: [.items]).first?.error == nil)
            #expect(supplier.change { $0.requests } == ["items -", "items 10", "items -", "items 10", "items 20"])
            try await expectWhole(house, supplier)
        }
    }

    @Test("over HTTP a body that does not end is left at its bound, and a token is needed")
    func overHTTP() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(25)])
            supplier.change { $0.token = "s3cret" }
            try await supplier.serve { url in
                try await house.account(url: url + "/")
                var settings = House.quickSync
                settings.pageBytesMax = 1_000_000
                let sync = try PageSync(
                    SuppliersService.sync, databases: house.databases, transport: HTTPPageTransport(),
                    configuration: Live(settings),
                    process: "a test", logger: House.logger, pause: { _ in })
                supplier.change { $0.faults = [.init(isEndless: true)] }
                let endless = try await sync.run("acme", kinds: [.items]).first
                #expect(endless?.error == "the page has more than 1000000 bytes")
                #expect(try await sync.run("acme", kinds: [.items]).first?.error == nil)
                try await expectWhole(house, supplier)
                supplier.change { $0.token = "another" }
                let refused = try await sync.run("acme", kinds: [.items]).first
                #expect(refused?.error == "the supplier refuses the account's token (401)")
                supplier.change { $0.faults = [.init(status: 302, headers: [.location: url + "/items"])] }
                let before = supplier.change { $0.requests.count }
                let moved = try await sync.run("acme", kinds: [.items]).first
                #expect(moved?.error?.contains("sends the request elsewhere (302)") == true, "\(moved?.error ?? "")")
                #expect(supplier.change { $0.requests.count } == before + 1)
                // Where nobody listens.
                let away = #"{"url": "http://127.0.0.1:1"}"#
                #expect(
                    try await house.call(.patch, "/v1/supplier_accounts/acme", away, [.ifMatch: "*"]).status == 200)
                let gone = try await sync.run("acme", kinds: [.items]).first
                #expect(gone?.error?.contains("the supplier can't be reached") == true, "\(gone?.error ?? "")")
            }
        }
        #expect(HTTPPageTransport.wait("12") == .seconds(12))
        #expect(HTTPPageTransport.wait("Wed, 21 Oct 2015 07:28:00 GMT") == .zero)
        #expect(HTTPPageTransport.wait("soon") == nil)
    }

    @Test("nobody syncs what somebody else syncs, until he is gone")
    func leases() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(5)])
            let sync = try await house.sync(of: supplier)
            let other = try await sync.run("acme", kinds: [.items]).first
            #expect(other?.error == nil)
            _ = try await house.value(
                "UPDATE {supplier_sync_state} SET holder = 'the other', held_until = now() + interval '4 minutes' RETURNING kind"
            )
            let busy = try await sync.run("acme", kinds: [.items], waits: false).first
            #expect(busy?.error == "the other syncs it now")
            _ = try await house.value("UPDATE {supplier_sync_state} SET held_until = now() RETURNING kind")
            #expect(try await sync.run("acme", kinds: [.items]).first?.error == nil)
            await #expect(throws: SyncError.self) { try await sync.run("nobody") }
        }
    }

    @Test("who lost his lease writes nothing more, and leaves the other his")
    func lostLease() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(30)])
            try await house.account()
            let stealing = HookedTransport(inner: DirectTransport(supplier: supplier)) { url in
                guard url.contains("cursor=10") else { return }
                _ = try await house.value(
                    "UPDATE {supplier_sync_state} SET holder = 'the other', held_until = now() + interval '4 minutes' RETURNING kind"
                )
            }
            let sync = try PageSync(
                SuppliersService.sync, databases: house.databases, transport: stealing,
                configuration: Live(House.quickSync),
                process: "a test",
                logger: House.logger, pause: { _ in })
            let report = try #require(try await sync.run("acme", kinds: [.items]).first)
            #expect(report.error == "the lease was lost to somebody else" && report.changed == 10)
            #expect(try await house.value("SELECT count(*)::text FROM {supplier_item_raw}") == "10")
            #expect(try await house.value("SELECT holder || cursor FROM {supplier_sync_state}") == "the other10")
        }
    }

    @Test("a run that is told to stop lets go of its lease, and its pass is gone on with")
    func cancelled() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(30)])
            try await house.account()
            let running = Mutex<Task<[SyncReport], any Error>?>(nil)
            let stopping = HookedTransport(inner: DirectTransport(supplier: supplier)) { url in
                if url.contains("cursor=10") { running.withLock { $0?.cancel() } }
                try Task.checkCancellation()
            }
            let sync = try PageSync(
                SuppliersService.sync, databases: house.databases, transport: stopping,
                configuration: Live(House.quickSync),
                process: "a test",
                logger: House.logger, pause: { _ in })
            let (start, starting) = AsyncStream.makeStream(of: Never.self)
            let run = Task {
                for await _ in start {}
                return try await sync.run("acme", kinds: [.items])
            }
            running.withLock { $0 = run }
            starting.finish()
            await #expect(throws: (any Error).self) { try await run.value }
            #expect(try await house.value("SELECT coalesce(holder, '-') FROM {supplier_sync_state}") == "-")
            #expect(try await house.value("SELECT state FROM {supplier_sync_jobs}") == "interrupted")
        }
    }
}

/// Does something before each request.
private struct HookedTransport: PageTransport {
    let inner: DirectTransport
    let hook: @Sendable (_ url: String) async throws -> Void

    func get(_ url: String, token: String?, bytesMax: Int, deadline: Deadline) async throws -> PageAnswer {
        try await hook(url)
        return try await inner.get(url, token: token, bytesMax: bytesMax, deadline: deadline)
    }
}
