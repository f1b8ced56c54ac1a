import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// The aging caches on real stores, with processes of their own.
@Suite struct AgingCacheTests {
    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.aging))
    func aTurnThatWasCutOffComesAgain(_ point: Failpoint) async throws {
        try await QuartetSystem.run(on: TestStack.shared, settings: ["AGING_INTERVAL": "1s"]) { system in
            let (_, shop) = try await system.serve()
            for number in 0..<3 { try await shop.addProduct("p\(number)", reviews: 0) }
            let killed = try system.start(["cache"], settings: point.settings())
            try await expectKilled(killed)
            #expect(try await system.stores.hash("cache:products").count == 3)
            #expect(try await system.stores.count("catalog.products WHERE last_cached_at IS NOT NULL") == 0)
            _ = try system.start(["cache"])
            try await eventually("all had their turn") {
                try await system.stores.count("catalog.products WHERE last_cached_at IS NULL") == 0
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func whoeverAsksForAnyUserOrProductGetsOne() async throws {
        // No turn comes by itself but the first.
        try await QuartetSystem.run(on: TestStack.shared, settings: ["AGING_INTERVAL": "1h"]) { system in
            let (_, shop) = try await system.serve()
            #expect(try await shop.call(.get, "/v1/products/random").status == 404)
            for number in 0..<5 {
                try await shop.addProduct("상품-\(number)", reviews: 0)
                let user = #"{"nickname": "n\#(number)", "name": "이름", "email": "e"}"#
                _ = try await shop.call(.put, "/v1/users/\(UUID().uuidString)", json: user)
            }
            // Nothing is cached yet: rows whose turn is next.
            let uncached = try await shop.call(.get, "/v1/users/random")
            #expect(uncached.status == 200 && uncached.header("Age") == nil)

            let refreshed = try await system.finish(["cache", "refresh", "--json"])
            #expect(
                refreshed.contains(#"{"name":"users","rows":5}"#)
                    && refreshed.contains(#"{"name":"products","rows":5}"#))
            let one = try await shop.call(.get, "/v1/products/random")
            #expect(one.status == 200 && one.header("Age") != nil)
            let id = try #require(one.text.firstMatch(of: /"id":"([^"]+)"/)?.output.1)
            let path = String(id).addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            #expect(try await shop.call(.get, "/v1/products/\(path)").text.contains(id))
            let many = try await shop.call(.get, "/v1/users/random?count=3")
            #expect(many.text.matches(of: /"nickname"/).count == 3)
            #expect(try await shop.call(.get, "/v1/users/random?count=0").status == 400)
            #expect(Set(try await system.stores.hash("cache:products").keys) == Set((0..<5).map { "상품-\($0)" }))

            let status = try await system.finish(["cache", "status", "--json"])
            #expect(status.contains(#""cached_rows":5"#) && status.contains(#""new_rows":0"#), "\(status)")
            let words = try await system.finish(["cache", "status"])
            #expect(words.contains("products: 5 rows cached"), "\(words)")
            let reset = try await system.finish(["cache", "reset", "products", "--json"])
            #expect(reset.contains(#"{"name":"products","rows":5}"#))
            #expect(try await system.stores.hash("cache:products").isEmpty)
            #expect(try await system.stores.hash("cache:users").count == 5)
            #expect(try await system.stores.count("catalog.products WHERE last_cached_at IS NULL") == 5)
            let unknown = try system.start(["cache", "refresh", "orders"])
            #expect(try await unknown.waitForEnd() != .status(0))
            #expect(unknown.log.contains("orders") && unknown.log.contains("is no aging cache; there are"))
        }
    }
}
