import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Whatever takes events in does so over each bus, and applies what happened.
@Suite(.serialized) struct EveryConsumerTests {
    private struct Line: Decodable {
        let subject: String
    }

    @Test(.timeLimit(.minutes(4)), arguments: ProjectionTests.buses)
    func everyConsumerAppliesWhatHappened(over bus: EventBus) async throws {
        try await QuartetSystem.withPrivateStack(hasRabbit: bus == .rabbitmq) { stack in
            let settings = stack.rabbit.map { ["RABBITMQ_URL": $0.url, "EVENTS_BUS": "rabbitmq"] } ?? [:]
            try await QuartetSystem.run(on: stack, settings: settings) { system in
                let (process, shop) = try await system.serve(
                    with: ["relay", "work", "invalidate", "project"], settings: TestProcess.servingMetrics)
                try await happen(in: system, shop)

                let consumers = try await consumers(of: system, over: bus)
                #expect(consumers.count >= 6, "\(consumers)")
                for consumer in consumers {
                    try await eventually("\(consumer) applied something") {
                        try await process.metric(#"quartet_events_applied_total{consumer="\#(consumer)"}"#) >= 1
                    }
                }
                #expect(try await system.finish(["events", "dead", "list", "--json"]).isEmpty)
            }
        }
    }

    /// Something of everything that a consumer waits for, each seen to have come.
    private func happen(in system: QuartetSystem, _ shop: Shop) async throws {
        try await shop.addProduct("p", reviews: 3)
        #expect(try await shop.closed(shop.submitted("p")).status == "completed")
        let user = #"{"nickname": "n", "name": "n", "email": "e"}"#
        let id = UUID()
        #expect(try await shop.call(.put, "/v1/users/\(id)", json: user).status == 200)
        for view in ["my.users_view", "my.my_products_view", "market.market_users_view", "market.products_view"] {
            try await eventually("\(view) has its row") {
                let sql = "SELECT count(*) FROM \(view) WHERE NOT is_deleted"
                return try await system.stores.rows(sql, in: "MARKET") == [["1"]]
            }
        }

        let benchmark = #"{"marketplace": "m", "name": "a lamp"}"#
        #expect(try await shop.call(.put, "/v1/benchmark_products/b", json: benchmark).status == 201)

        let watch = #"{"user_id": "\#(id)", "product_id": "p"}"#
        #expect(try await shop.call(.post, "/v1/watch_list", json: watch).status == 201)
        #expect(try await shop.call(.put, "/v1/products/p", json: #"{"name": "p", "price": 700}"#).status == 200)
        try await eventually("the watcher is told") {
            let notes = try await shop.call(.get, "/v1/my/users/\(id)/notes").body
            return String(decoding: notes, as: UTF8.self).contains("700")
        }

        let item = #"{"supplier_id": "acme", "item_id": "i", "item": {"name": "잔", "price": 900}}"#
        _ = try await system.stores.rows(
            "SELECT source_events.emit('suppliers.item.changed', 'acme:i', 1, '\(item)'::json)", in: "SOURCE")
        try await eventually("the item is a product") {
            try await shop.call(.get, "/v1/products/acme:i").status == 200
        }

        _ = try await system.finish(["simulate", "orders", "--rate", "20", "--seconds", "1"])
        try await eventually("orders are stored") {
            try await system.stores.rows("SELECT count(*) >= 20 FROM market.orders", in: "MARKET") == [["t"]]
        }
    }

    /// Their names, as the doctor sees them on the bus: the last part of a group's or a queue's.
    private func consumers(of system: QuartetSystem, over bus: EventBus) async throws -> Set<String> {
        let kind = bus == .kafka ? "group " : "queue "
        let lines = try await system.finish(["doctor", "--json"]).split(separator: "\n")
        return Set(
            try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).subject }
                .filter { $0.hasPrefix(kind) }.compactMap { $0.split(separator: ".").last.map(String.init) })
    }
}
