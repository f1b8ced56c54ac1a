import ClientSupport
import HTTPTypes
import QuartetCore
import ServiceSupport
import Suppliers
import Testing

@testable import QuartetService

/// The role syncs what is due, and nothing else.
@Suite("Sync role", .timeLimit(.minutes(5))) struct SyncRoleTests {
    @Test("each account is synced by its own interval, wholly now and then; one that is paused or gone is not")
    func schedule() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(SupplierTests.empty)
            supplier.change { $0.rows["items"] = SupplierServer.items(3) }
            var settings = House.quickSync
            settings.accountsMax = 2
            let role = SyncRole(
                configuration: Live(settings), syncs: [try await house.sync(of: supplier, settings)],
                logger: House.logger)
            for id in ["b", "c", "paused", "gone"] {
                let body =
                    #"{"id": "\#(id)", "name": "n", "url": "http://127.0.0.1:9", "is_paused": \#(id == "paused")}"#
                #expect(try await house.call(.post, "/v1/supplier_accounts", body).status == 201)
            }
            let gone = try await house.call(.delete, "/v1/supplier_accounts/gone", nil, [.ifMatch: "*"])
            #expect(gone.status == 200)

            let first = try await role.runOnce()
            #expect(Set(first.map(\.account)) == ["acme", "b", "c"] && first.count == 12)
            #expect(first.allSatisfy { $0.error == nil && $0.isFull })
            #expect(try await role.runOnce().isEmpty)

            // An hour later by the clock of one of them, whose interval is shorter; one has failed meanwhile.
            let interval = #"{"sync_interval_seconds": 60}"#
            #expect(try await house.call(.patch, "/v1/supplier_accounts/b", interval, [.ifMatch: "*"]).status == 200)
            let earlier =
                "UPDATE {supplier_sync_state} SET ended_at = ended_at - interval '2 minutes' WHERE kind = 'items' RETURNING kind"
            _ = try await house.value(earlier)
            supplier.change { $0.faults = [.init(status: 401)] }
            let second = try await role.runOnce()
            #expect(second.map(\.account) == ["b"] && second.map(\.kind) == [.items])
            #expect(second.allSatisfy { $0.error != nil && !$0.isFull })
            #expect(try await role.runOnce().isEmpty)
        }
    }

    @Test("what was written before the database's clock was set back holds up no sync")
    func clockSetBack() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(SupplierTests.empty)
            let role = SyncRole(
                configuration: Live(House.quickSync), syncs: [try await house.sync(of: supplier, House.quickSync)],
                logger: House.logger)
            #expect(try await role.runOnce().count == 4)
            #expect(try await role.runOnce().isEmpty)
            // By an hour, while somebody who died meanwhile was syncing one of them.
            _ = try await house.value(
                """
                UPDATE {supplier_sync_state} SET ended_at = ended_at + interval '1 hour', full_at = full_at + interval '1 hour',
                    holder = CASE kind WHEN 'items' THEN 'dead' END,
                    held_until = CASE kind WHEN 'items' THEN clock_timestamp() + interval '1 hour' END
                RETURNING kind
                """)
            let again = try await role.runOnce()
            #expect(again.count == 4 && again.allSatisfy { $0.error == nil && $0.isFull })
            #expect(try await role.runOnce().isEmpty)
        }
    }

    @Test("a supplier that does not answer holds up no market, nor what is made of what was fetched")
    func sideBySide() async throws {
        try await House.open(.oneDatabase) { house in
            let market = SupplierServer(["products": [#"{"id": 1}"#], "orders": []])
            var settings = House.quickSync
            settings.pollInterval = .milliseconds(20)
            let (uses, used) = AsyncStream.makeStream(of: Void.self)
            try await house.account()
            let silent = try PageSync(
                SuppliersService.sync, databases: house.databases, transport: SilentTransport(),
                configuration: Live(House.quickSync), process: "a test", logger: House.logger)
            let role = SyncRole(
                configuration: Live(settings), syncs: [silent, try await house.marketSync(of: market)],
                logger: House.logger
            ) {
                let isFetched = try await house.marketCount("SELECT count(*) FROM {market_product_raw}") == 1
                if isFetched { used.yield() }
            }
            let running = Task { try await role.run() }
            for await _ in uses { break }
            running.cancel()
            try await running.value
        }
    }

    @Test("an account that does not answer holds up no other of its source, now or at their next turns")
    func turnsOfTheirOwn() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(SupplierTests.empty)
            supplier.change { $0.rows["items"] = SupplierServer.items(3) }
            var settings = House.quickSync
            settings.pollInterval = .milliseconds(20)
            settings.interval = .zero
            // One of them is always free for all others.
            settings.accountsMax = 2
            for id in ["a-silent", "b", "c", "d"] {
                let url = id == "a-silent" ? SilentTransport.url : "http://127.0.0.1:9"
                let made = try await house.call(
                    .post, "/v1/supplier_accounts", #"{"id": "\#(id)", "name": "n", "url": "\#(url)"}"#)
                #expect(made.status == 201)
            }
            let (uses, used) = AsyncStream.makeStream(of: Void.self)
            let sync = try PageSync(
                SuppliersService.sync, databases: house.databases,
                transport: SilentTransport(others: DirectTransport(supplier: supplier)), configuration: Live(settings),
                process: "a test", logger: House.logger, pause: { _ in })
            let role = SyncRole(configuration: Live(settings), syncs: [sync], logger: House.logger) {
                let turns = try await house.value(
                    """
                    SELECT string_agg(account, ',' ORDER BY account) FROM (
                        SELECT supplier_id AS account FROM {supplier_sync_jobs}
                        WHERE kind = 'items' AND state = 'done' GROUP BY supplier_id HAVING count(*) >= 3
                    ) often
                    """)
                if turns == "b,c,d" { used.yield() }
            }
            let running = Task { try await role.run() }
            for await _ in uses { break }
            running.cancel()
            try await running.value
            let held = "SELECT string_agg(DISTINCT state, ',') FROM {supplier_sync_jobs} WHERE supplier_id = 'a-silent'"
            #expect(try await house.value(held) == "interrupted")
        }
    }
}

/// Answers nobody, or only those with another URL than `url`.
private struct SilentTransport: PageTransport {
    static let url = "http://127.0.0.9:9"
    var others: DirectTransport?

    func get(_ url: String, token: String?, bytesMax: Int, deadline: Deadline) async throws -> PageAnswer {
        if let others, !url.hasPrefix(Self.url) {
            return try await others.get(url, token: token, bytesMax: bytesMax, deadline: deadline)
        }
        for await _ in AsyncStream<Void>.makeStream().stream {}
        throw CancellationError()
    }
}
