import Catalog
import ClientSupport
import Logging
import QuartetCore
import QuartetDatabases
import QuartetRoles
import QuartetStores
import Redis

/// The ports on the real stores.
struct Ports: Sendable {
    let requests: PostgresRequestStore
    let products: PostgresProductStore
    /// Every database has one.
    let outboxes: [DatabaseName: PostgresOutboxStore]
    let reviews: MongoReviewStore
    let sessions: MongoSessionStore
    let cards: MongoCardStore
    let keywords: MongoKeywordStore
    let queue: MongoTaskQueue
    let progress: RedisProgressBoard
    let cache: RedisVersionedCache
    let aging: RedisAgingCache

    init(clients: StoreClients, configuration: QuartetConfiguration, logger: Logger) throws {
        requests = try PostgresRequestStore(databases: clients.databases)
        products = try PostgresProductStore(databases: clients.databases)
        outboxes = try clients.outboxes()
        reviews = MongoReviewStore(client: clients.mongo)
        sessions = MongoSessionStore(client: clients.mongo)
        cards = MongoCardStore(client: clients.mongo)
        keywords = MongoKeywordStore(client: clients.mongo)
        queue = MongoTaskQueue(
            client: clients.mongo, configuration: Self.queueConfiguration(configuration.worker), logger: logger)
        progress = RedisProgressBoard(
            client: clients.redis, configuration: Self.progressConfiguration(configuration.redis),
            cache: configuration.redis.cache, logger: logger)
        cache = RedisVersionedCache(client: clients.redis, configuration: configuration.redis.cache, logger: logger)
        aging = RedisAgingCache(client: clients.redis, keys: configuration.redis.cache.keys)
    }

    /// Processes may be configured otherwise than this one: twice its longest time is left.
    static func queueConfiguration(_ worker: WorkerConfiguration) -> MongoQueueConfiguration {
        var configuration = MongoQueueConfiguration()
        configuration.waitMax = max(.seconds(30), max(worker.leaseDuration, worker.retryBackoff.max) * 2)
        return configuration
    }

    static func progressConfiguration(_ settings: RedisSettings) -> RedisProgressConfiguration {
        var configuration = RedisProgressConfiguration()
        configuration.keys = settings.cache.keys
        configuration.ttl = settings.progressTTL
        return configuration
    }
}
