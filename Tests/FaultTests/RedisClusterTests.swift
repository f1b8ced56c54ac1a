import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// All roles on a Redis Cluster.
@Suite struct RedisClusterTests {
    @Test(.enabled(if: !TestStack.isSecured), .timeLimit(.minutes(3)))
    func reviewsAreAnalysedAndReadOverACluster() async throws {
        let cluster = try await TestStack.redisCluster
        let settings = ["REDIS_URL": cluster.url, "REDIS_CLUSTER": "true"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "work", "invalidate", "cache"])
            for product in ["p1", "p2", "p3"] {
                try await shop.addProduct(product, reviews: 3)
                let id = try await shop.submitted(product)
                #expect(try await shop.closed(id).status == "completed")
                let path = "/v1/products/\(product)"
                #expect(try await shop.call(.get, path + "/analysis").status == 200)
                try await eventually("the cache answers") {
                    try await shop.call(.get, path).header("Cache-Status") == "quartet; hit"
                }
                let renamed = try await shop.call(.put, path, json: #"{"name": "renamed"}"#)
                let read = try await shop.call(.get, path)
                #expect(read.text.contains("renamed") && read.header("ETag") == renamed.header("ETag"))
            }
            #expect(try await shop.call(.get, "/v1/products").text.contains("renamed"))
            let examined = try await system.finish(["doctor"])
            #expect(examined.contains("redis cluster: 16384 of 16384 slots served, by 3 primaries"), "\(examined)")
            try await system.expectConsistency()
        }
    }
}
