import Catalog
import Foundation
import HTTPTypes
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetRoles
import ServiceSupport
import Suppliers
import Testing

@testable import QuartetService

/// What suppliers have becomes the shop's products.
@Suite("Products of suppliers", .timeLimit(.minutes(5))) struct SupplierProductTests {
    @Test("items become products, their prices a history, and each change an event", arguments: Layout.allCases)
    func products(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(12)])
            supplier.change { state in
                state.rows["items"]?[0] =
                    #"{"id": "i1", "name": "잔", "brand": "Acme", "category_id": 7, "price": 900, "list_price": 1000}"#
            }
            _ = try await house.call(.put, "/v1/categories/acme:7", #"{"name": "Cups"}"#)
            let sync = try await house.sync(of: supplier)
            _ = try await sync.run("acme", kinds: [.items])
            #expect(try await house.applyItems().isEmpty)
            let product = try await house.call(.get, "/v1/products/acme:i1")
            #expect(
                product.json["supplier_item_id"] as? String == "acme:i1" && product.json["brand"] as? String == "Acme")
            #expect(product.json["category_id"] as? String == "acme:7" && product.json["list_price"] as? Int == 1_000)
            let created = try await house.events(of: .products).filter { $0.hasPrefix("catalog.product.") }
            #expect(created.count == 12 && created.allSatisfy { $0.hasPrefix("catalog.product.created acme:i") })
            // Again, and everything is as it was.
            #expect(try await house.applyItems().isEmpty)
            #expect(try await house.call(.get, "/v1/products/acme:i1").tag == product.tag)

            supplier.change { $0.rows["items"]?[1] = SupplierServer.item(2, price: 700) }
            _ = try await sync.run("acme", kinds: [.items])
            supplier.change { $0.rows["items"]?.removeLast() }
            _ = try await sync.run("acme", kinds: [.items], isFull: true)
            #expect(try await house.applyItems().isEmpty)
            let prices = try await house.call(.get, "/v1/products/acme:i2/prices").json["prices"] as? [[String: Any]]
            #expect(prices?.compactMap { $0["price"] as? Int } == [700, 1_000])
            #expect(try await house.call(.get, "/v1/products/acme:i12").json["stock"] as? Int == 0)
            let events = try await house.events(of: .products).filter { $0.hasPrefix("catalog.product.") }
            #expect(
                events.dropFirst(12).sorted() == [
                    "catalog.product.updated acme:i12", "catalog.product.updated acme:i2",
                ])
        }
    }

    @Test("an older event changes nothing, in whatever order they come")
    func order() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(1)])
            let sync = try await house.sync(of: supplier)
            for price in [1_000, 500, 1_000] {
                supplier.change { $0.rows["items"]?[0] = SupplierServer.item(1, price: price) }
                _ = try await sync.run("acme", kinds: [.items])
            }
            let events = try await house.supplierEvents()
            #expect(events.count == 3)
            // The first, the last, which says the same, then the one between.
            for event in [events[0], events[2], events[1]] { #expect(try await house.apply([event]).isEmpty) }
            let product = try await house.call(.get, "/v1/products/acme:i1")
            #expect(product.json["price"] as? Int == 1_000)
            #expect(try await house.events(of: .products).count { $0.hasPrefix("catalog.") } == 1)
        }
    }

    @Test("a product that names an item is the item's; what the shop deleted or keeps itself stays")
    func links() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(3)])
            let sync = try await house.sync(of: supplier)
            let own = #"{"id": "mine", "name": "n", "supplier_item_id": "acme:i1", "brand": "Mine"}"#
            #expect(try await house.call(.post, "/v1/products", own).status == 201)
            _ = try await sync.run("acme", kinds: [.items])
            _ = try await house.applyItems()
            #expect(try await house.products(of: "acme:i1") == ["mine"])
            let mine = try await house.call(.get, "/v1/products/mine")
            #expect(mine.json["price"] as? Int == 1_000 && mine.json["brand"] as? String == "Mine")

            #expect(try await house.call(.delete, "/v1/products/acme:i2", nil, [.ifMatch: "*"]).status == 200)
            // Now of another item, which has seen fewer changes.
            let relinked = try await house.call(
                .patch, "/v1/products/mine", #"{"supplier_item_id": "acme:i9"}"#, [.ifMatch: "*"])
            #expect(relinked.status == 200)
            supplier.change { state in
                state.rows["items"] = (1...9).map { SupplierServer.item($0, price: 300 + $0) }
            }
            _ = try await sync.run("acme", kinds: [.items])
            #expect(try await house.applyItems().isEmpty)
            #expect(try await house.call(.get, "/v1/products/acme:i2").status == 404)
            #expect(try await house.products(of: "acme:i9") == ["mine"])
            let prices = try await house.call(.get, "/v1/products/mine/prices").json["prices"] as? [[String: Any]]
            #expect(prices?.compactMap { $0["price"] as? Int } == [309, 1_000])
            #expect(try await house.products(of: "acme:i1") == ["acme:i1"])
        }
    }

    @Test("an item that can't be a product is put aside by name, and the others are made")
    func unusable() async throws {
        try await House.open(.oneDatabase) { house in
            var rows = SupplierServer.items(6)
            rows[0] = #"{"id": "i1", "price": 5}"#
            rows[1] = #"{"id": "i2", "name": "n", "price": "dear"}"#
            rows[2] = #"{"id": "i3", "name": "n", "price": 5, "currency": "won"}"#
            rows[3] = #"{"id": "i4", "name": "n", "price": 5.5}"#
            rows[4] = #"{"id": "i5", "name": "n", "price": 5, "extra": {"a": [1]}, "brand": null}"#
            let sync = try await house.sync(of: SupplierServer(["items": rows]))
            _ = try await sync.run("acme", kinds: [.items])
            #expect(
                try await house.applyItems() == [
                    "item acme:i1: name is missing", "item acme:i2: price is not a whole number from 0",
                    "item acme:i3: currency is not three letters like KRW",
                    "item acme:i4: price is not a whole number from 0",
                ])
            for (id, status) in [("i4", 404), ("i5", 200), ("i6", 200)] {
                #expect(try await house.call(.get, "/v1/products/acme:\(id)").status == status)
            }
        }
    }
}

extension House {
    /// The ids of the products that name an item; the list is not cached.
    func products(of item: String) async throws -> [String] {
        try await call(.get, "/v1/products?supplier_item_id=\(item)").ids("products")
    }

    /// Has the catalogue take in all events of suppliers, as the role does; gives why some were put aside.
    func applyItems() async throws -> [String] { try await apply(supplierEvents()) }

    func apply(_ events: [DomainEvent]) async throws -> [String] {
        let handler = try #require(services.flatMap(\.handlers).first { $0.name == "supplier_items" })
        return try await Self.feed(events, to: handler)
    }

    static func feed<Handler: EventHandler>(_ events: [DomainEvent], to handler: Handler) async throws
        -> [String]
    {
        var (changes, refused): ([DomainEvent.Aggregate: Handler.Change], [String]) = ([:], [])
        for event in events {
            do {
                changes[event.aggregate] = try handler.change(for: event)
            } catch {
                refused.append(error.reason)
            }
        }
        try await handler.apply(Array(changes.values))
        return refused
    }

    /// The suppliers' events, oldest first.
    func supplierEvents() async throws -> [DomainEvent] {
        let database = databases.tables[.supplierItemRaw].database
        let outbox = databases.tables[.outbox, in: database].schema
        let rows = try await databases.client(of: database).query(
            PostgresStatement(
                """
                SELECT id, type, aggregate_id, version, payload::text FROM \(outbox).outbox
                WHERE type LIKE 'suppliers.%' ORDER BY id
                """))
        return try rows.map { row in
            let (id, type, key, version, payload) = try row.decode(
                Int64.self, String.self, String.self, Int64.self, [UInt8].self)
            return DomainEvent(
                id: "\(id)", type: try #require(EventType.named(type)), aggregateID: key, version: version,
                payload: payload, occurredAt: Date())
        }
    }
}
