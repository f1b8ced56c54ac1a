import Foundation
import QuartetCore
import QuartetStack
import SystemTesting
import Testing

/// Orders that come in from outside, taken in by processes that die.
@Suite(.serialized) struct OrderFaultTests {
    private static let user = "11111111-2222-7333-8444-555555555555"

    @Test(.timeLimit(.minutes(4)), arguments: Failpoint.of(.orders))
    func anOrderIsStoredOnceThoughWhoTookItInDied(at point: Failpoint) async throws {
        try await withMarket(["ORDERS_CONSUMERS": "2"]) { system in
            let doomed = try system.start(["run", "project"], settings: point.settings())
            try await place("o-1", in: system)
            try await expectKilled(doomed)
            #expect(try await count("market.orders", in: system) == 1)

            _ = try system.start(["run", "project", "relay"])
            try await place("o-2", in: system)
            try await eventually("both are stored") { try await count("market.orders", in: system) == 2 }
            #expect(
                try await count("market_events.outbox WHERE type = 'market.order.created'", in: system) == 2)
            #expect(try await system.finish(["events", "dead", "list", "--json"]).contains("o-") == false)
            // It is there for whoever wants to know.
            try await eventually("they are published") {
                try await Set(system.stores.aggregates(in: EventTopic(rawValue: "order.events"))) == ["o-1", "o-2"]
            }
        }
    }

    @Test(.timeLimit(.minutes(4)))
    func ordersThatAreMadeUpArriveWithoutLoss() async throws {
        try await withMarket { system in
            let told = try await system.finish(["simulate", "orders", "--rate", "200", "--seconds", "1", "--json"])
            let count =
                try #require(
                    try JSONSerialization.jsonObject(with: Data(told.utf8)) as? [String: Any])["orders"] as? Int
            #expect(try #require(count) > 0)
            _ = try system.start(["run", "project"])
            try await eventually("all are stored") { try await self.count("market.orders", in: system) == count }
            let sums = try await system.stores.rows(
                "SELECT count(*), count(DISTINCT user_id), sum(amount - quantity * 700) FROM market.orders",
                in: "MARKET")
            #expect(sums == [["\(count ?? 0)", "1", "0"]])
        }
    }

    private func place(_ id: String, in system: QuartetSystem) async throws {
        let order = #"{"id": "\#(id)", "user_id": "\#(Self.user)", "product_id": "p"}"#
        try await system.stores.send(order, to: EventTopic(rawValue: "shop.orders"), asEvent: false)
    }

    private func count(_ table: String, in system: QuartetSystem) async throws -> Int {
        Int(try await system.stores.rows("SELECT count(*) FROM \(table)", in: "MARKET")[0][0]) ?? -1
    }

    /// A system whose market knows a user and a product.
    private func withMarket(
        _ settings: [String: String] = [:], _ body: (QuartetSystem) async throws -> Void
    ) async throws {
        try await QuartetSystem.withPrivateStack { stack in
            try await QuartetSystem.run(on: stack, settings: settings) { system in
                let (_, shop) = try await system.serve()
                let user = #"{"nickname": "n", "name": "n", "email": "e"}"#
                #expect(try await shop.call(.put, "/v1/users/\(Self.user)", json: user).status == 200)
                let product = #"{"name": "p", "price": 700}"#
                #expect(try await shop.call(.put, "/v1/products/p", json: product).status == 201)
                for view in ["products_view", "market_users_view"] {
                    _ = try await system.finish(["project", "bootstrap", view])
                }
                try await body(system)
            }
        }
    }
}
