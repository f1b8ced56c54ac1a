import Logging
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis

/// Runs `body` with a client of the server that all tests share, or of `server`.
func withRedis(_ server: RedisServer? = nil, _ body: (RedisClient) async throws -> Void) async throws {
    let url: String
    if let server { url = server.url } else { url = try await TestStack.shared.redis.url }
    var configuration = try RedisConfiguration(url: url)
    // All tests have the shared one, on a machine that is busy with them.
    if server == nil { (configuration.commandTimeout, configuration.stallTimeout) = (.seconds(60), .seconds(60)) }
    try await withClient(configuration, body)
}

private func withClient(
    _ configuration: RedisConfiguration, _ body: (RedisClient) async throws -> Void
) async throws {
    let client = RedisClient(configuration: configuration, logger: Logger(label: "test"))
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await body(client))
    } catch {
        outcome = .failure(error)
    }
    await client.close()
    try outcome.get()
}

/// Runs `body` with a server of its own.
func withPrivateRedis(_ body: (RedisServer) async throws -> Void) async throws {
    let server = try await TestStack.privateRedis()
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await body(server))
    } catch {
        outcome = .failure(error)
    }
    await server.stop()
    try outcome.get()
}

/// A cache that waits as long as the machine takes.
func makeCache(
    _ client: RedisClient, _ configuration: RedisCacheConfiguration = RedisCacheConfiguration()
) -> RedisVersionedCache {
    var configuration = configuration
    configuration.timeout = .seconds(60)
    return RedisVersionedCache(client: client, configuration: configuration)
}

/// Runs `body` with a client of the cluster that all tests share, or of `cluster`.
func withRedisCluster(
    _ cluster: LocalRedisCluster? = nil, _ body: (RedisClient) async throws -> Void
) async throws {
    let url: String
    if let cluster { url = cluster.url } else { url = try await TestStack.redisCluster.url }
    var configuration = try RedisConfiguration(url: url)
    configuration.cluster = configuration.cluster ?? RedisClusterSettings()
    (configuration.commandTimeout, configuration.stallTimeout) = (.seconds(60), .seconds(60))
    try await withClient(configuration, body)
}
