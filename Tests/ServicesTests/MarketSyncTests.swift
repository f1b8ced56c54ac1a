import Foundation
import HTTPTypes
import Market
import QuartetCore
import QuartetDatabases
import QuartetStack
import ServiceSupport
import SystemTesting
import Testing

@testable import QuartetService

/// What markets list and what was ordered there.
@Suite("Markets", .timeLimit(.minutes(5))) struct MarketSyncTests {
    private static func offer(_ number: Int, price: Int = 500) -> String {
        #"{"id": \#(number), "name": "잔 \#(number)", "price": \#(price), "stock": \#(number % 3)}"#
    }

    private static func order(_ number: Int, user: String = House.buyer, _ fields: String = "") -> String {
        #"{"id": "o\#(number)", "user_id": "\#(user)", "item_id": 7, "status": "paid"\#(fields)}"#
    }

    @Test(
        "offers and orders become raw rows, page by page, and only what changed is written",
        arguments: Layout.allCases)
    func pages(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            try await house.stockTheMarket()
            let market = SupplierServer(["products": (1...25).map { Self.offer($0) } + ["7"], "orders": []])
            market.change { $0.token = "hunter2" }
            let sync = try await house.marketSync(of: market)
            let first = try await sync.run("m1")
            #expect(first.map(\.kind) == [.offers, .marketOrders] && first.allSatisfy { $0.error == nil }, "\(first)")
            #expect(first.map(\.changed) == [25, 0] && first.map(\.refused) == [1, 0] && first[0].pages == 3)
            let row = try await house.call(.get, "/v1/market_product_raw/m1:2")
            #expect((row.json["payload"] as? [String: Any])?["price"] as? Int == 500, "\(row.text)")
            #expect(row.json["account_id"] as? String == "m1" && row.json["item_id"] as? String == "2")

            market.change { state in
                state.rows["products"] = (2...25).map { Self.offer($0, price: $0 == 2 ? 450 : 500) }
            }
            let second = try await sync.run("m1", kinds: [.offers], isFull: true)
            #expect(second.map(\.changed) == [1] && second.map(\.removed) == [1], "\(second)")
            #expect(try await house.call(.get, "/v1/market_product_raw/m1:1").status == 404)
            let latest = try await house.call(.get, "/v1/market_product_raw?sort=-fetched_at&limit=1")
            #expect(latest.ids("market_product_raw") == ["m1:2"])
            let jobs = try await house.call(.get, "/v1/market_sync_jobs?account_id=m1")
            #expect(jobs.text.components(separatedBy: #""state":"done""#).count == 4, "\(jobs.text)")
            #expect(try await house.marketCount("SELECT count(*) FROM {market_raw_fetch_log} WHERE problem <> ''") == 1)
        }
    }

    @Test("what was ordered at a market is stored once by its id, and waits for whom it names")
    func orders() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockTheMarket()
            let market = SupplierServer(["products": []])
            market.change { state in
                state.rows["orders"] = [
                    Self.order(1, #", "quantity": 3, "unit_price": 400"#), Self.order(2, user: House.stranger),
                    Self.order(3, #", "quantity": 0"#), Self.order(4, #", "product_id": "p-2""#),
                ]
            }
            let sync = try await house.marketSync(of: market)
            let orders = try MarketOrders(databases: house.databases)
            #expect(try await sync.run("m1").allSatisfy { $0.error == nil })
            // Nobody has said yet which product the market's item 7 is.
            let early = try await orders.take()
            #expect(early.stored == 1 && early.waiting == 3, "\(early)")
            let problem = try await house.call(.get, "/v1/market_order_raw/m1:o1").json["problem"] as? String
            #expect(problem?.contains("of no listing") == true)
            let listing = #"{"product_id": "상품-1", "marketplace": "m", "market_item_id": "7"}"#
            #expect(try await house.call(.put, "/v1/market_listings/l", listing).status == 201)
            #expect(try await orders.take() == MarketOrders.Report())
            let report = try await orders.take(pause: .zero)
            #expect(report.stored == 1 && report.waiting == 1 && report.refused == 1, "\(report)")
            let stored = try await house.call(.get, "/v1/orders/m1:o1").json
            #expect(stored["product_id"] as? String == "상품-1" && stored["amount"] as? Int == 1_200)

            // One that says something new is looked at again; what is stored stays.
            market.change { state in
                state.rows["orders"]?[0] = Self.order(1, #", "quantity": 3, "unit_price": 400, "status": "sent""#)
                state.rows["orders"]?[2] = Self.order(3)
                state.rows["orders"]?[3] = Self.order(4, #", "product_id": "p-2", "quantity": 9"#)
            }
            #expect(try await sync.run("m1", kinds: [.marketOrders]).map(\.changed) == [3])
            try await house.apply(MarketUsersViewProjection(), .userCreated, House.stranger, #"{"region": "부산"}"#)
            let last = try await orders.take(pause: .zero)
            #expect(last.stored == 2 && last.known == 1 && last.refused == 1 && last.waiting == 0, "\(last)")
            #expect(try await orders.take(pause: .zero) == MarketOrders.Report())
            #expect(try await house.marketCount("SELECT count(*) FROM {orders}") == 4)
            let conflict = try await house.call(.get, "/v1/market_order_raw/m1:o4").json["problem"] as? String
            #expect(conflict?.contains("with another quantity") == true)
        }
    }

    @Test("an order's status goes on as its market tells it, and never back")
    func status() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockTheMarket()
            let market = SupplierServer(["products": []])
            let sync = try await house.marketSync(of: market)
            let orders = try MarketOrders(databases: house.databases)
            func tell(_ statuses: String...) async throws -> MarketOrders.Report {
                market.change { state in
                    state.rows["orders"] = statuses.enumerated().map { number, status in
                        #"{"id": "o\#(number)", "user_id": "\#(House.buyer)", "product_id": "상품-1", "status": \#(status)}"#
                    }
                }
                #expect(try await sync.run("m1", kinds: [.marketOrders]).allSatisfy { $0.error == nil })
                return try await orders.take(pause: .zero)
            }
            func statuses() async throws -> [String] {
                var found: [String] = []
                for number in 0..<5 {
                    let order = try await house.call(.get, "/v1/orders/m1:o\(number)").json
                    found.append("\(order["status"] as? String ?? "none") \(order["version"] as? Int ?? 0)")
                }
                return found
            }
            let first = try await tell(#""accepted""#, #""paid""#, #""PAID""#, #""in the post""#, #"{"is": 1}"#)
            #expect(first.stored == 5 && first.followed == 2, "\(first)")
            #expect(try await statuses() == ["placed 1", "paid 2", "paid 2", "placed 1", "placed 1"])

            // The shop knows more of one than its market does.
            let patched = try await house.call(
                .patch, "/v1/orders/m1:o2", #"{"status": "delivered"}"#, [.ifMatch: "*"])
            #expect(patched.status == 200)
            let second = try await tell(#""sent""#, #""canceled""#, #""shipped""#, #""placed""#, "null")
            #expect(second.known == 5 && second.followed == 2 && second.refused == 0, "\(second)")
            #expect(try await statuses() == ["shipped 2", "cancelled 3", "delivered 3", "placed 1", "placed 1"])
            let third = try await tell(#""accepted""#, #""returned""#, #""returned""#, #""placed""#, "7")
            #expect(third.followed == 2, "\(third)")
            #expect(try await statuses() == ["shipped 2", "returned 4", "returned 4", "placed 1", "placed 1"])
            let events = try await house.events(of: Table("orders")).filter { $0.hasPrefix("market.order.updated") }
            #expect(events.count == 7, "\(events)")
        }
    }

    @Test("killed at any page, it goes on where it was; and the role does what is due")
    func killed() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockTheMarket()
            let market = SupplierServer(["products": (1...30).map { Self.offer($0) }])
            market.change { state in
                state.rows["orders"] = (1...30).map { Self.order($0, #", "product_id": "상품-1""#) }
            }
            try await market.serve { url in
                try await house.marketAccount(url: url)
                let folder = try TemporaryFolder.make()
                defer { try? FileManager.default.removeItem(at: folder) }
                for point in ["sync.page_fetched@3", "sync.page_stored@4"] {
                    let run = try await house.quartet(["collect", "m1"], folder, point)
                    #expect(run.end == .signal(SIGKILL), "\(run.lastWords)")
                }
                let run = try await house.quartet(["collect", "m1"], folder)
                #expect(run.end == .status(0), "\(run.lastWords)")
                #expect(run.output.contains("orders: 30 stored, 0 known, 0 waiting, 0 refused"), "\(run.output)")
                let asked = market.change { $0.requests }.filter { $0.hasPrefix("products") }
                #expect(asked.filter { $0 == "products -" }.count == 1, "\(asked)")
                #expect(try await house.marketCount("SELECT count(*) FROM {market_product_raw}") == 30)
                #expect(try await house.marketCount("SELECT sum(changed)::bigint FROM {market_sync_jobs}") == 60)
            }
            let orders = try MarketOrders(databases: house.databases)
            let role = SyncRole(
                configuration: Live(House.quickSync), syncs: [try await house.marketSync(of: market)],
                logger: House.logger
            ) { _ = try await orders.take() }
            #expect(try await role.runOnce().isEmpty)
            market.change { $0.rows["orders"]?.append(Self.order(31, #", "product_id": "상품-1""#)) }
            #expect(
                try await house.marketCount(
                    """
                    WITH earlier AS (
                        UPDATE {market_sync_state} SET ended_at = ended_at - interval '1 hour' RETURNING 1
                    ) SELECT count(*) FROM earlier
                    """) == 2)
            #expect(try await role.runOnce().map(\.changed) == [0, 1])
            #expect(try await house.marketCount("SELECT count(*) FROM {orders}") == 31)
        }
    }
}

extension House {
    func marketAccount(url: String = "http://127.0.0.1:9") async throws {
        let body = #"{"marketplace": "m", "name": "n", "secret": "hunter2", "url": "\#(url)"}"#
        let made = try await call(.put, "/v1/market_accounts/m1", body)
        #expect([200, 201].contains(made.status), "\(made.text)")
    }

    /// A sync of the market account `m1`, whose pauses take no time.
    func marketSync(of market: SupplierServer) async throws -> PageSync {
        if try await call(.get, "/v1/market_accounts/m1").status == 404 { try await marketAccount() }
        return try PageSync(
            MarketService.sync, databases: databases, transport: DirectTransport(supplier: market),
            configuration: Live(Self.quickSync), process: "a test", logger: House.logger, pause: { _ in })
    }
}
