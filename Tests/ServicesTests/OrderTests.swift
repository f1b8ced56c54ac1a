import Foundation
import HTTPTypes
import Market
import QuartetCore
import QuartetDatabases
import Testing

/// Orders as they come in by HTTP.
@Suite("Orders") struct OrderTests {
    private static func order(_ id: String, _ fields: String = "") -> String {
        let known = [#""user_id": "\#(House.buyer)""#, #""product_id": "상품-1""#].filter { field in
            !fields.contains(field.prefix { $0 != ":" })
        }
        return "{\(([#""id": "\#(id)""#] + known).joined(separator: ", "))\(fields)}"
    }

    @Test(
        "an order is stored once, with what the copies say of it, its supplier's and its event",
        arguments: Layout.allCases)
    func life(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            try await house.stockTheMarket()
            let told = #"{"gender": "female", "age": 34, "age_group": "30s", "region": "서울"}"#
            try await house.apply(MarketUsersViewProjection(), .userUpdated, House.buyer, told, version: Int64.max)

            let body = Self.order("주문-1", #", "quantity": 2, "ordered_at": "2026-01-31T09:30:00Z""#)
            let made = try await house.call(.post, "/v1/orders", body)
            #expect(made.status == 201, "\(made.text)")
            let wanted: [String: AnyHashable] = [
                "id": "주문-1", "user_id": House.buyer, "product_id": "상품-1", "quantity": 2, "unit_price": 12_000,
                "amount": 24_000, "currency": "KRW", "status": "placed", "category_id": "cups",
                "supplier_item_id": "s-1", "gender": "female", "age_group": "30s", "region": "서울",
            ]
            for (name, value) in wanted { #expect(made.json[name] as? AnyHashable == value, "\(name) \(made.text)") }
            let again = try await house.call(.post, "/v1/orders", body)
            #expect(again.status == 200 && again.text == made.text)
            // What was read may be sent again.
            #expect(try await house.call(.post, "/v1/orders", made.text).status == 200)
            let other = try await house.call(.post, "/v1/orders", Self.order("주문-1", #", "quantity": 3"#))
            #expect(other.status == 409 && other.detail.contains("with another quantity"), "\(other.text)")

            let path = try #require(made.headers[.location])
            #expect(try await house.call(.get, path).text == made.text)
            #expect(try await house.call(.patch, path, #"{"status": "gone"}"#, [.ifMatch: made.tag]).status == 409)
            let paid = try await house.call(.patch, path, #"{"status": "paid", "quantity": 9}"#, [.ifMatch: made.tag])
            #expect(paid.status == 200 && paid.json["quantity"] as? Int == 2 && paid.tag != made.tag)
            #expect(try await house.call(.post, "/v1/orders", body).json["status"] as? String == "paid")
            #expect(try await house.call(.delete, path, nil, [.ifMatch: "*"]).status >= 404)

            let supplier = try await house.call(.get, "/v1/supplier_orders/%EC%A3%BC%EB%AC%B8-1")
            #expect(supplier.json["supplier_item_id"] as? String == "s-1" && supplier.json["quantity"] as? Int == 2)
            let events = try await house.events(of: Table("orders")).filter { $0.hasPrefix("market.order") }
            #expect(events == ["market.order.created 주문-1", "market.order.updated 주문-1"])
            // A product of no supplier has no order there.
            let plain = #"{"user_id": "\#(House.buyer)", "product_id": "p-2", "unit_price": 0}"#
            let second = try await house.call(.post, "/v1/orders", plain)
            #expect(
                second.status == 201 && second.json["amount"] as? Int == 0
                    && second.json["currency"] as? String == "USD")
            #expect(try await house.marketCount("SELECT count(*) FROM {supplier_orders}") == 1)
        }
    }

    @Test("an order that names what is not there is refused by that name, until it is there; one that is stored stays")
    func unknown() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockTheMarket()
            for (field, value, kind) in [
                ("user_id", House.stranger, "unknown-user"), ("product_id", "p-3", "unknown-product"),
            ] {
                let body = Self.order("o-\(field)", #", "\#(field)": "\#(value)""#)
                let refused = try await house.call(.post, "/v1/orders", body)
                #expect(refused.status == 409 && refused.text.contains(kind), "\(refused.text)")
                #expect(refused.detail.contains(value))
            }
            try await house.apply(MarketUsersViewProjection(), .userCreated, House.stranger, "{}")
            try await house.apply(ProductsViewProjection(), .productCreated, "p-3", #"{"name": "n"}"#)
            #expect(
                try await house.call(
                    .post, "/v1/orders", Self.order("o-user_id", #", "user_id": "\#(House.stranger)""#)
                )
                .status == 201)
            let free = try await house.call(.post, "/v1/orders", Self.order("o-1", #", "product_id": "p-3""#))
            #expect(free.status == 422 && free.detail.contains("has no unit_price"), "\(free.text)")
            let priced = Self.order("o-1", #", "product_id": "p-3", "unit_price": 5"#)
            #expect(try await house.call(.post, "/v1/orders", priced).status == 201)
            try await house.apply(ProductsViewProjection(), .productDeleted, "p-3", "{}", version: 9)
            #expect(try await house.call(.post, "/v1/orders", priced).status == 200)
            #expect(try await house.call(.post, "/v1/orders", priced.replacing("o-1", with: "o-2")).status == 409)

            let wrong = [
                #"{"id": "a", "product_id": "p"}"#: "user_id is missing",
                Self.order("a", #", "user_id": "no uuid""#): "user_id is a UUID",
                Self.order("a", #", "quantity": 0"#): "quantity is an integer of 1",
                Self.order("a", #", "ordered_at": "yesterday""#): "ordered_at is a time",
                Self.order("a", #", "colour": 1"#): "colour is no field",
            ]
            for (body, reason) in wrong {
                let answer = try await house.call(.post, "/v1/orders", body)
                #expect(answer.status == 422 && answer.detail.contains(reason), "\(body) \(answer.text)")
            }
        }
    }

    @Test("orders are listed by user, product, status and time, and go on where a page ended")
    func lists() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockTheMarket()
            let lines = (1...6).map { number in
                let product = number % 2 == 0 ? "p-2" : "상품-1"
                let fields = #", "product_id": "\#(product)", "ordered_at": "2026-01-0\#(number)T00:00:00Z""#
                return Self.order("o-\(number)", fields)
            }
            let imported = try await house.call(.post, "/v1/orders:import", lines.joined(separator: "\n"))
            #expect(imported.status == 200 && imported.json["changed"] as? Int == 6, "\(imported.text)")
            func ids(_ query: String) async throws -> [String] {
                let answer = try await house.call(.get, "/v1/orders?\(query)")
                return answer.status == 200 ? answer.ids("orders") : ["\(answer.status)"]
            }
            #expect(try await ids("product_id=p-2&sort=-ordered_at") == ["o-6", "o-4", "o-2"])
            #expect(try await ids("user_id=\(House.buyer)&status=placed&limit=2") == ["o-1", "o-2"])
            #expect(try await ids("user_id=\(House.stranger)") == [])
            let span = "sort=ordered_at&from=2026-01-02T00:00:00Z&until=2026-01-05T00:00:00Z"
            #expect(try await ids(span) == ["o-2", "o-3", "o-4"])
            let first = try await house.call(.get, "/v1/orders?\(span)&limit=2")
            let next = try #require(first.json["next"] as? String)
            #expect(try await ids("\(span)&limit=2&cursor=\(next)") == ["o-4"])
            #expect(try await ids("from=o-3&until=o-5") == ["o-3", "o-4"])
            for query in ["sort=ordered_at&from=soon", "user_id=someone", "amount=3"] {
                #expect(try await ids(query) != [], "\(query)")
            }
        }
    }

    @Test("of many orders those that can be are stored, the others are named; the same ones again change nothing")
    func imports() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockTheMarket()
            var lines = (1...3_000).map { Self.order("o-\($0)", #", "quantity": \#($0 % 9 + 1)"#) }
            let whole = lines
            lines.insert(Self.order("o-1", #", "quantity": 77"#), at: 1)
            lines.append(Self.order("o-x", #", "user_id": "\#(House.stranger)""#))
            lines.append(Self.order("o-2", #", "quantity": 3"#))
            let strict = try await house.call(.post, "/v1/orders:import", lines.joined(separator: "\n"))
            #expect(strict.status == 409 && strict.detail.hasPrefix("line 2: there is an order o-1"), "\(strict.text)")
            let lenient = try await house.call(
                .post, "/v1/orders:import", lines.joined(separator: "\n"),
                [try #require(HTTPField.Name("Prefer")): "handling=lenient"])
            let refused = lenient.json["refused"] as? [[String: Any]] ?? []
            #expect(refused.compactMap { $0["line"] as? Int } == [2, 3_002], "\(lenient.text)")
            #expect(lenient.json["changed"] as? Int == 0)
            let again = try await house.call(.post, "/v1/orders:import", whole.joined(separator: "\n"))
            #expect(again.json["received"] as? Int == 3_000 && again.json["changed"] as? Int == 0)
            for table in ["orders", "supplier_orders"] {
                #expect(try await house.marketCount("SELECT count(*) FROM {\(table)}") == 3_000)
            }
            let quantity = (1...3_000).reduce(0) { $0 + $1 % 9 + 1 }
            #expect(try await house.marketCount("SELECT sum(amount)::bigint FROM {orders}") == quantity * 12_000)
            let events = try await house.events(of: Table("orders")).filter { $0.hasPrefix("market.order.created") }
            #expect(events.count == 3_000 && Set(events).count == 3_000)
        }
    }

    @Test("the same orders from many callers at once are stored once")
    func concurrently() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockTheMarket()
            let orders = (1...20).map { Self.order("o-\($0)") }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for order in orders + orders.reversed() + orders {
                    group.addTask { try await house.call(.post, "/v1/orders", order).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 201 } == 20 && statuses.count { $0 == 200 } == 40, "\(statuses)")
            #expect(try await house.marketCount("SELECT count(*) FROM {orders}") == 20)
        }
    }
}
