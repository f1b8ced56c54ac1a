import Logging
import QuartetCore
import QuartetStores
import Redis

/// The ports on the real stores.
struct Ports: Sendable {
    let requests: PostgresRequestStore
    let products: PostgresProductStore
    let outbox: PostgresOutboxStore
    let reviews: MongoReviewStore
    let sessions: MongoSessionStore
    let cards: MongoCardStore
    let keywords: MongoKeywordStore
    let queue: MongoTaskQueue
    let progress: RedisProgressBoard
    let cache: RedisVersionedCache

    init(clients: StoreClients, configuration: QuartetConfiguration, logger: Logger) throws {
        let shards = configuration.outboxShards
        requests = try PostgresRequestStore(databases: clients.databases, shardCount: shards)
        products = try PostgresProductStore(databases: clients.databases, shardCount: shards)
        outbox = try PostgresOutboxStore(databases: clients.databases, shardCount: shards)
        reviews = MongoReviewStore(client: clients.mongo)
        sessions = MongoSessionStore(client: clients.mongo)
        cards = MongoCardStore(client: clients.mongo)
        keywords = MongoKeywordStore(client: clients.mongo)
        queue = MongoTaskQueue(client: clients.mongo)
        let keys = RedisKeys(prefix: configuration.redis.prefix)
        progress = Self.progress(configuration.redis, keys: keys, client: clients.redis, logger: logger)
        cache = Self.cache(configuration.redis, keys: keys, client: clients.redis)
    }

    private static func progress(
        _ settings: RedisSettings, keys: RedisKeys, client: RedisClient, logger: Logger
    ) -> RedisProgressBoard {
        var configuration = RedisProgressConfiguration()
        configuration.keys = keys
        configuration.ttl = settings.progressTTL
        return RedisProgressBoard(client: client, configuration: configuration, logger: logger)
    }

    private static func cache(_ settings: RedisSettings, keys: RedisKeys, client: RedisClient) -> RedisVersionedCache {
        var configuration = RedisCacheConfiguration()
        configuration.keys = keys
        configuration.analysisTTL = settings.analysisTTL
        configuration.productTTL = settings.productTTL
        configuration.tombstoneTTL = settings.tombstoneTTL
        return RedisVersionedCache(client: client, configuration: configuration)
    }

    /// The queue's; the other collections need their keys alone.
    func ensureIndexes() async throws {
        try await queue.ensureIndexes()
    }
}
