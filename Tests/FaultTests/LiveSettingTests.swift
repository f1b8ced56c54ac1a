import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// What is set while processes run, seen from outside.
@Suite("Settings of running processes") struct LiveSettingTests {
    @Test("roles take what is set without a restart, keys come and go, and no log has a key", .timeLimit(.minutes(5)))
    func settings() async throws {
        let slow = [
            "AGING_INTERVAL": "1h", "CHECK_SCHEDULE": "off", "SYNC_POLL_INTERVAL": "1h", "LOG_LEVEL": "trace",
            "SYNC_TRIES_MAX": "1", "SYNC_REQUEST_TIMEOUT": "200ms",
        ]
        try await QuartetSystem.run(on: TestStack.shared, settings: slow) { system in
            let (serving, shop) = try await system.serve()
            let others = try system.start(["run", "cache", "check", "sync"])
            let settings = ["QUARTET_API_URL": shop.url]
            let account = #"{"id": "s", "name": "n", "url": "http://127.0.0.1:9"}"#
            try await eventually("others work") { others.log.contains("roles started") }
            try await shop.addProduct("p", reviews: 1)
            #expect(try await shop.call(.post, "/v1/supplier_accounts", json: account).status == 201)

            let set = try await system.finish(
                ["config", "set", "aging.interval", "200ms", "--why", "a test", "--json"], settings: settings)
            #expect(set.contains(#""source":"system_config""#), "\(set)")
            try await eventually("the cache is refilled") { try await system.stores.hash("cache:products").count == 1 }
            for (key, value) in [("check.schedule", "1s"), ("sync.poll_interval", "100ms"), ("sync.interval", "1s")] {
                try await system.finish(["config", "set", key, value], settings: settings)
            }
            try await eventually("a sweep") { others.log.contains("stores agree") || others.log.contains("disagree") }
            try await eventually("a sync") { others.log.contains("sync broke off") }
            try await system.finish(["config", "set", "quartet.api.reviews_per_call_max", "1"], settings: settings)
            try await eventually("fewer reviews are taken") {
                let two = #"[{"id": "a", "text": "t"}, {"id": "b", "text": "t"}]"#
                return try await shop.call(.post, "/v1/products/p/reviews", json: two).status >= 400
            }
            let list = try await system.finish(["config"], settings: settings)
            #expect(list.contains("aging.interval") && list.contains("1h"), "\(list)")
            let history = try await system.finish(["config", "history", "aging.interval"], settings: settings)
            #expect(history.contains("QUARTET_API_KEY") && history.contains("a test"), "\(history)")

            let key =
                try await system.finish(["keys", "create", "reader", "--expires-in", "1h"], settings: settings)
                .split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
            let reader = Shop(url: shop.url, key: key)
            #expect(try await reader.call(.get, "/v1/products").status == 200)
            #expect(try await reader.call(.put, "/v1/products/q").status == 403)
            let refused = try system.start(
                ["config", "reset", "aging.interval"], settings: settings.merging(["QUARTET_API_KEY": key]) { $1 })
            #expect(try await refused.waitForEnd() != .status(0) && refused.log.contains("scope"))
            let id = String(key.prefix(19))
            #expect(try await system.finish(["keys"], settings: settings).contains(id))
            try await system.finish(["keys", "revoke", id], settings: settings)
            try await eventually("the key is refused") { try await reader.call(.get, "/v1/products").status == 401 }
            #expect(!serving.log.contains(key.dropFirst(20)) && key.utf8.count == 84, "\(key)")
        }
    }
}
