import Foundation
import QuartetCore
package import QuartetStack
import Synchronization

/// Real servers for tests: one stack for the whole test process, and private ones for tests that stop or break them.
///
/// All of them end with the process, together with their folder.
package enum TestStack {
    private static let folder = Mutex<URL?>(nil)
    private static let start = Task { try await LocalStack.start(directory: makeFolder(), options: options) }

    /// Whether tests of the whole system run on servers that take TLS and passwords alone: `QUARTET_TEST_SECURE=1`.
    package static let isSecured = ProcessInfo.processInfo.environment["QUARTET_TEST_SECURE"] == "1"

    /// What systems of tests may do in servers like that.
    package static let security = StackSecurity(
        services: ["auth", "catalog", "market", "my", "suppliers", "system"],
        topics: EventTopic.allCases.map(\.rawValue) + ["listing.events", "order.events", "shop.orders"],
        groupPrefix: "system", redisPrefix: "system_*:")

    /// How systems of tests want their servers.
    package static var options: StackOptions {
        var options = StackOptions.fast
        options.security = isSecured ? security : nil
        return options
    }

    /// The stack that all tests share, started on first use. Tests keep apart by ``uniqueName(_:)``.
    package static var shared: LocalStack {
        get async throws { try await start.value }
    }

    /// `prefix`, then a part that no other call gives: letters, digits and underscores, at most 63 bytes.
    package static func uniqueName(_ prefix: String) -> String {
        let unique = UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(16)
        return "\(prefix.prefix(46))_\(unique)"
    }

    /// A PostgreSQL of the caller's own, started; the caller stops it.
    package static func privatePostgres(
        databases: [String] = [], security: StackSecurity? = nil
    ) async throws -> PostgresServer {
        let folder = try makeFolder()
        var secrets: StackSecrets?
        if let security { secrets = try await StackSecrets(of: security, in: folder) }
        return try await started(
            PostgresServer(directory: folder, options: .fast, databases: databases, secrets: secrets))
    }

    /// A standby of the caller's own, started; the caller stops it.
    package static func standby(of primary: PostgresServer) async throws -> PostgresServer {
        try await started(PostgresServer(directory: makeFolder(), standbyOf: primary, options: .fast))
    }

    /// A Redis of the caller's own, started; the caller stops it.
    package static func privateRedis() async throws -> RedisServer {
        try await started(RedisServer(directory: makeFolder(), options: .fast))
    }

    /// A Redis Cluster of three that tests share, started on first use. Tests keep apart by ``uniqueName(_:)``, and leave its slots
    /// as they are.
    package static var redisCluster: LocalRedisCluster {
        get async throws { try await startOfCluster.value }
    }
    private static let startOfCluster = Task {
        let cluster = try LocalRedisCluster(directory: makeFolder())
        try await cluster.start()
        return cluster
    }

    /// A Redis Cluster of three and replicas of the first, of the caller's own, started; the caller stops it.
    package static func privateRedisCluster(replicas: Int, nodeTimeout: Duration) async throws -> LocalRedisCluster {
        let cluster = try LocalRedisCluster(directory: makeFolder(), replicas: replicas, nodeTimeout: nodeTimeout)
        try await cluster.start()
        return cluster
    }

    /// A MongoDB of the caller's own, started; the caller stops it.
    package static func privateMongo() async throws -> MongoServer {
        try await started(MongoServer(directory: makeFolder(), options: .fast))
    }

    /// A cluster that stands for Kafka, of the caller's own, started; the caller stops it.
    package static func privateKafka(brokers: Int = 1) async throws -> EmbeddedBroker {
        try await started(EmbeddedBroker(brokers: brokers))
    }

    /// A RabbitMQ of the caller's own, started; the caller stops it.
    package static func privateRabbit(tls: RabbitServer.TLS? = nil) async throws -> RabbitServer {
        try await started(RabbitServer(directory: makeFolder(), options: .fast, tls: tls))
    }

    private static func started<Server: LocalServer>(_ server: Server) async throws -> Server {
        try await server.start()
        return server
    }

    /// A fresh folder within the one that goes when the process ends.
    static func makeFolder() throws -> URL {
        try folder.withLock { folder in
            let root = try folder ?? TemporaryFolder.make()
            folder = root
            return root.appendingPathComponent(uniqueName("stack"))
        }
    }
}
