import ClientSupport
import Foundation
import HTTPTypes
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import ServiceSupport
import Suppliers
import Synchronization
import Testing

@testable import QuartetService

/// A supplier's pages become rows, each once, whatever is wrong with the supplier.
@Suite("Suppliers", .timeLimit(.minutes(5))) struct SupplierTests {
    static let empty: [String: [String]] = ["categories": [], "items": [], "orders": [], "questions": []]

    @Test("an account is made, changed and listed, and its token is told to nobody", arguments: Layout.allCases)
    func accounts(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let body = #"{"id": "acme", "name": "Acme", "url": "http://127.0.0.1:9", "token": "s3cret"}"#
            let made = try await house.call(.post, "/v1/supplier_accounts", body)
            #expect(made.status == 201 && !made.text.contains("s3cret") && !made.text.contains("token"), "\(made.text)")
            let path = "/v1/supplier_accounts/acme"
            let change = #"{"token": "an0ther", "requests_per_second": 3}"#
            let changed = try await house.call(.patch, path, change, [.ifMatch: made.tag])
            #expect(changed.status == 200 && changed.json["requests_per_second"] as? Int == 3)
            for answer in [
                changed, try await house.call(.get, path), try await house.call(.get, "/v1/supplier_accounts"),
            ] {
                #expect(!answer.text.contains("an0ther") && answer.text.contains("Acme"), "\(answer.text)")
            }
            #expect(try await house.events(of: .supplierAccounts).isEmpty)
            for wrong in [#""url": "ftp://a""#, #""url": "http://a b""#, #""url": "http://a?b""#, #""token": "t""#] {
                let answer = try await house.call(.post, "/v1/supplier_accounts", "{\(wrong), \"name\": \"n\"}")
                #expect(answer.status == 422, "\(wrong) \(answer.text)")
            }
            let token = try await house.value("SELECT token FROM {supplier_accounts}")
            #expect(token == "an0ther")
            #expect(try await house.call(.get, "/openapi.json").text.contains(#""writeOnly" : true"#))
            #expect(try await house.call(.delete, path, nil, [.ifMatch: changed.tag]).status == 200)
            #expect(try await house.call(.get, path).status == 404)
        }
    }

    @Test("each row is there once, and one that says the same is not written", arguments: Layout.allCases)
    func pages(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let supplier = SupplierServer(Self.empty)
            supplier.change { state in
                state.rows["items"] = SupplierServer.items(25)
                state.rows["orders"] = [#"{"id": 7, "item": "i1"}"#]
                state.rows["categories"] = [#"{"id": "cups", "name": "Cups"}"#]
                state.rows["questions"] = [#"{"id": "q", "text": "?"}"#]
            }
            let sync = try await house.sync(of: supplier)
            let first = try await sync.run("acme")
            #expect(first.map(\.kind) == [.categories, .items, .orders, .questions])
            #expect(first.map(\.changed) == [1, 25, 1, 1] && first.map(\.pages) == [1, 3, 1, 1])
            #expect(first.allSatisfy { $0.error == nil && $0.met == $0.changed })
            let list = try await house.call(.get, "/v1/supplier_items?supplier_id=acme&limit=3")
            #expect(list.ids("supplier_items") == ["acme:i1", "acme:i10", "acme:i11"])
            let one = try await house.call(.get, "/v1/supplier_items/acme:i1")
            #expect((one.json["payload"] as? [String: Any])?["price"] as? Int == 1_000, "\(one.text)")
            #expect(try await house.call(.put, "/v1/supplier_items/x", "{}").status == 405)

            let written = "SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY raw_id) FROM {supplier_item_raw}"
            let before = try await house.value(written)
            // In another order and with other spaces it says the same.
            supplier.change { state in
                state.rows["items"]?[4] = #"{"stock":5,"price":1000,"name":"찻잔 5","id":"i5"}"#
            }
            #expect(try await sync.run("acme").map(\.changed) == [0, 0, 0, 0])
            #expect(try await house.value(written) == before)

            supplier.change { $0.rows["items"]?[4] = SupplierServer.item(5, price: 900) }
            #expect(try await sync.run("acme", kinds: [.items]).map(\.changed) == [1])
            let events = try await house.events(of: .supplierItemRaw)
            #expect(events.count == 26 && events.last == "suppliers.item.changed acme:i5")
            let jobs = try await house.call(.get, "/v1/supplier_jobs?supplier_id=acme&sort=-id")
            let states = (jobs.json["supplier_jobs"] as? [[String: Any]] ?? []).map { "\($0["state"] ?? "")" }
            #expect(states == Array(repeating: "done", count: 9))
            #expect(try await house.value("SELECT count(*)::text FROM {supplier_raw_fetch_log}") == "15")
        }
    }

    @Test("a full pass marks what it does not meet, which may come back", arguments: [Layout.threeDatabases])
    func removal(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let supplier = SupplierServer(Self.empty)
            supplier.change { $0.rows["items"] = SupplierServer.items(25) }
            let sync = try await house.sync(of: supplier)
            _ = try await sync.run("acme", kinds: [.items])
            supplier.change { $0.rows["items"]?.removeSubrange(3..<15) }
            #expect(try await sync.run("acme", kinds: [.items]).map(\.removed) == [0])
            let full = try await sync.run("acme", kinds: [.items], isFull: true)
            #expect(full.map(\.removed) == [12] && full.map(\.changed) == [0])
            let events = try await house.events(of: .supplierItemRaw)
            #expect(events.count { $0.hasPrefix("suppliers.item.removed") } == 12)
            #expect(try await house.call(.get, "/v1/supplier_items/acme:i4").status == 404)
            supplier.change { $0.rows["items"] = SupplierServer.items(4) }
            #expect(try await sync.run("acme", kinds: [.items]).map(\.changed) == [1])
            #expect(try await house.call(.get, "/v1/supplier_items/acme:i4").status == 200)
            // A supplier that lists nothing at all is broken, not sold out.
            supplier.change { $0.rows["items"] = [] }
            let empty = try await sync.run("acme", kinds: [.items], isFull: true)[0]
            #expect(empty.removed == 0 && empty.error?.contains("lists no items") == true, "\(empty)")
            // It is no news of what changed since.
            #expect(try await sync.states().first { $0.kind == .items }?.lastError == empty.error)
            supplier.change { $0.rows["items"] = SupplierServer.items(3) }
            let mended = try await sync.run("acme", kinds: [.items], isFull: true)[0]
            #expect(mended.removed == 11 && mended.error == nil, "\(mended)")
        }
    }

    @Test("a row that can't be taken is not taken for gone", arguments: ["\u{0}", "1e999999"])
    func refusedRows(value: String) async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(Self.empty)
            supplier.change { $0.rows["items"] = SupplierServer.items(4) }
            let sync = try await house.sync(of: supplier)
            _ = try await sync.run("acme", kinds: [.items], isFull: true)
            let said = value == "\u{0}" ? #""a\u0000b""# : value
            let bad = (1...4).map { #"{"id": "i\#($0)", "name": \#(said)}"# }
            // One, and all of them.
            for rows in [SupplierServer.items(4).dropLast() + [bad[3]], bad] {
                supplier.change { $0.rows["items"] = Array(rows) }
                let report = try await sync.run("acme", kinds: [.items], isFull: true)[0]
                #expect(report.removed == 0 && report.refused > 0 && report.error == nil, "\(report)")
            }
            // Which one this is nobody knows, so that nobody knows what is gone.
            supplier.change { $0.rows["items"] = ["17", SupplierServer.item(1, price: 1)] }
            let unnamed = try await sync.run("acme", kinds: [.items], isFull: true)[0]
            #expect(unnamed.removed == 0 && unnamed.refused == 1 && unnamed.changed == 1, "\(unnamed)")
            supplier.change { $0.rows["items"]?.removeFirst() }
            let told = try await sync.run("acme", kinds: [.items], isFull: true)[0]
            #expect(told.removed == 3 && told.refused == 0, "\(told)")
        }
    }

    @Test("a database that has the example of earlier builds is migrated")
    func migration() async throws {
        try await House.open(.threeDatabases) { house in
            let place = house.databases.tables.place(of: SuppliersService.schema)
            let source = try house.databases.client(of: place.database)
            try await source.execute(
                script: """
                    DROP SCHEMA \(place.schema) CASCADE;
                    CREATE SCHEMA \(place.schema);
                    CREATE TABLE \(place.schema).supplier_products (supplier text PRIMARY KEY);
                    CREATE TABLE \(place.schema).supplier_products_migrations (version integer PRIMARY KEY);
                    """)
            let roles = house.clients.configuration.services.mapValues(\.role)
            try await Migrator(databases: house.databases, roles: roles, logger: House.logger).migrate()
            try await house.databases.requireSchema(of: SuppliersService.schema)
            #expect(try await house.call(.get, "/v1/supplier_accounts").status == 200)
        }
    }

    @Test("what changed is asked for by what the pass before said")
    func since() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(15)])
            supplier.change { $0.asOf = "first & last" }
            let sync = try await house.sync(of: supplier)
            _ = try await sync.run("acme", kinds: [.items])
            supplier.change { $0.asOf = "later" }
            _ = try await sync.run("acme", kinds: [.items])
            _ = try await sync.run("acme", kinds: [.items], isFull: true)
            #expect(
                supplier.change { $0.requests } == [
                    "items -", "items 10", "items - since first & last", "items 10 since first & last", "items -",
                    "items 10",
                ])
        }
    }
}

extension House {
    /// A sync of the supplier `acme`, whose pauses take no time.
    func sync(
        of supplier: SupplierServer, _ settings: SyncConfiguration = Self.quickSync,
        pauses: @escaping @Sendable (Duration) -> Void = { _ in }
    ) async throws -> PageSync {
        try await account()
        return try PageSync(
            SuppliersService.sync, databases: databases, transport: DirectTransport(supplier: supplier),
            configuration: Live(settings),
            process: "a test", logger: House.logger, pause: { pauses($0) })
    }

    func account(url: String = "http://127.0.0.1:9", token: String = "s3cret") async throws {
        let body = #"{"id": "acme", "name": "Acme", "url": "\#(url)", "token": "\#(token)"}"#
        let made = try await call(.post, "/v1/supplier_accounts", body)
        #expect(made.status == 201, "\(made.text)")
    }

    static var quickSync: SyncConfiguration {
        var settings = SyncConfiguration()
        settings.rowsPerPage = 10
        return settings
    }

    /// The first value of a statement over the suppliers' own tables.
    func value(_ sql: String) async throws -> String? {
        let file = SQLFile(label: "look", statements: ["look": sql])
        let statement = try databases.statements(in: file, of: SuppliersService.schema).named("look")
        return try await statement.run().first?.decode(0, as: String?.self)
    }
}
