import Foundation
import Logging
import Redis

extension StoreClients {
    static func redis(_ settings: RedisSettings, clientName: String, logger: Logger) throws -> RedisClient {
        try named("redis.url") {
            var configuration = try RedisConfiguration(url: settings.url)
            configuration.clientName = clientName
            configuration.connectTimeout = settings.connectTimeout
            configuration.commandTimeout = settings.commandTimeout
            try settings.files.check("redis", scheme: "rediss", usesTLS: configuration.tls != nil)
            configuration.tls?.trustRootsFile = settings.files.authority
            configuration.tls?.certificateFile = settings.files.certificate
            configuration.tls?.keyFile = settings.files.key
            try readCluster(settings, into: &configuration)
            return RedisClient(configuration: configuration, logger: logger)
        }
    }

    private static func readCluster(_ settings: RedisSettings, into configuration: inout RedisConfiguration) throws {
        guard settings.isCluster else {
            guard configuration.cluster == nil else {
                throw ConfigurationError(
                    key: "redis.url", problem: "names several servers, which are nodes of a cluster: set redis.cluster")
            }
            return
        }
        guard configuration.database == 0 else {
            throw ConfigurationError(key: "redis.url", problem: "names a database, and a cluster has database 0 alone")
        }
        var cluster = configuration.cluster ?? RedisClusterSettings()
        for pair in settings.clusterAddresses.split(separator: ",") {
            let sides = pair.split(separator: "=").map { RedisAddress($0.trimmingCharacters(in: .whitespaces)) }
            guard sides.count == 2, let announced = sides[0], let reachable = sides[1] else {
                throw ConfigurationError(
                    key: "redis.cluster_addresses", problem: "is to be host:port=host:port, separated by commas")
            }
            cluster.reachableAt[announced] = reachable
        }
        configuration.cluster = cluster
    }

    /// Keys are named otherwise in a cluster, and commands sent otherwise. A server that does not answer now may do so later.
    func requireKindOfRedis() async throws {
        guard configuration.redis.isCluster else {
            guard let info = try? await redis.send(RedisCommand("INFO", "server")).string(),
                info.contains("redis_mode:cluster")
            else { return }
            throw ConfigurationError(
                key: "redis.cluster", problem: "is false, and redis.url names a node of a Redis Cluster: set it to true"
            )
        }
        do {
            _ = try await redis.primaries()
        } catch let error where error.code == .configuration {
            throw ConfigurationError(key: "redis.cluster", problem: "is true, and \(error.message)")
        } catch {
            logger.warning("the Redis Cluster does not answer yet", metadata: ["error": "\(error)"])
        }
    }
}
