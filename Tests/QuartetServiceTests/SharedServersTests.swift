import Foundation
import Logging
import QuartetCore
import QuartetDatabases
import QuartetStack
import QuartetStores
import QuartetTesting
import Testing

@testable import QuartetService

/// Servers that are not Quartet's alone, or of a kind that it can't use.
@Suite(.timeLimit(.minutes(5))) struct SharedServersTests {
    @Test func deploymentsOnOneClusterHaveTopicsAndGroupsOfTheirOwn() throws {
        let shop = try loaded(["KAFKA_PREFIX": "shop-a."])
        let invalidators = Composition.invalidators(shop)
        #expect(invalidators.group == "shop-a.quartet.invalidate")
        #expect(invalidators.topics == ["shop-a.analysis.events", "shop-a.product.events"])
        #expect(shop.kafka.naming.source == "quartet/shop-a.")
        let alone = try loaded([:])
        #expect(Composition.invalidators(alone).topics == ["analysis.events", "product.events"])
        #expect(alone.kafka.naming.source == "quartet")
    }

    @Test func aRedisClusterIsRefusedAtStartUnlessItIsWanted() async throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let arguments = ["--cluster-enabled", "yes", "--cluster-port", "\(try LoopbackPort.free())"]
        let server = RedisServer(directory: folder, options: .fast, arguments: arguments)
        try await server.start()
        // Nothing listens there.
        var settings = ["REDIS_URL": server.url, "KAFKA_BROKERS": "127.0.0.1:9"]
        for name in DatabaseName.usual {
            settings["\(name.rawValue.uppercased())_DATABASE_URL"] = "postgresql://127.0.0.1:9/\(name)"
        }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let clients = try StoreClients(try loaded(settings), role: "test", logger: logger)
        let error = await #expect(throws: ConfigurationError.self) { try await clients.checkAtBoot() }
        #expect(error?.key == "redis.cluster" && error?.problem.contains("Redis Cluster") == true)
        await clients.close()
        settings["REDIS_CLUSTER"] = "true"
        let wanting = try StoreClients(try loaded(settings), role: "test", logger: logger)
        // It serves no slots yet, which passes.
        try await wanting.checkAtBoot()
        await wanting.close()
        await server.stop()
    }

    @Test func aSingleRedisIsRefusedAtStartWhereAClusterIsWanted() async throws {
        let server = try await TestStack.shared.redis
        var settings = ["REDIS_URL": server.url, "REDIS_CLUSTER": "true", "KAFKA_BROKERS": "127.0.0.1:9"]
        for name in DatabaseName.usual {
            settings["\(name.rawValue.uppercased())_DATABASE_URL"] = "postgresql://127.0.0.1:9/\(name)"
        }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let clients = try StoreClients(try loaded(settings), role: "test", logger: logger)
        let error = await #expect(throws: ConfigurationError.self) { try await clients.checkAtBoot() }
        #expect(error?.key == "redis.cluster")
        await clients.close()
    }

    @Test(arguments: [
        (["REDIS_URL": "redis://a:1,b:2"], "redis.url"), (["REDIS_URL": "redis://a:1/3"], "redis.url"),
        (["REDIS_CLUSTER_ADDRESSES": "a:1"], "redis.cluster_addresses"),
        (["REDIS_CLUSTER_ADDRESSES": "a:1=b"], "redis.cluster_addresses"),
    ])
    func whatCanBeNoClusterIsRefused(_ settings: [String: String], key: String) throws {
        var settings = settings
        if settings["REDIS_URL"]?.contains(",") != true { settings["REDIS_CLUSTER"] = "true" }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let error = #expect(throws: ConfigurationError.self) {
            try StoreClients(try loaded(settings), role: "test", logger: logger)
        }
        #expect(error?.key == key)
    }

    @Test func familiesHaveSettingsOfTheirOwn() throws {
        let configuration = try loaded(["REDIS_PRODUCT_LIST_TTL": "7m"])
        #expect(configuration.redis.cache.timeToLive(of: .productLists) == .seconds(420))
        #expect(CacheFamily.all.map(\.settingName) == ["analysis_ttl", "product_ttl", "product_list_ttl"])
        #expect(Set(CacheFamily.all.map(\.name)).count == CacheFamily.all.count)
    }
}
