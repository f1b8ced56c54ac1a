import Logging
import QuartetCore
import QuartetMigrations
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

    init(clients: StoreClients, configuration: QuartetConfiguration, logger: Logger) throws {
        requests = try PostgresRequestStore(databases: clients.databases)
        products = try PostgresProductStore(databases: clients.databases)
        outboxes = try clients.outboxes()
        reviews = MongoReviewStore(client: clients.mongo)
        sessions = MongoSessionStore(client: clients.mongo)
        cards = MongoCardStore(client: clients.mongo)
        keywords = MongoKeywordStore(client: clients.mongo)
        queue = MongoTaskQueue(client: clients.mongo)
        progress = RedisProgressBoard(
            client: clients.redis, configuration: Self.progressConfiguration(configuration.redis), logger: logger)
        cache = RedisVersionedCache(client: clients.redis, configuration: Self.cacheConfiguration(configuration.redis))
    }

    static func progressConfiguration(_ settings: RedisSettings) -> RedisProgressConfiguration {
        var configuration = RedisProgressConfiguration()
        configuration.keys = RedisKeys(prefix: settings.prefix)
        configuration.ttl = settings.progressTTL
        return configuration
    }

    static func cacheConfiguration(_ settings: RedisSettings) -> RedisCacheConfiguration {
        var configuration = RedisCacheConfiguration()
        configuration.keys = RedisKeys(prefix: settings.prefix)
        configuration.analysisTTL = settings.analysisTTL
        configuration.productTTL = settings.productTTL
        configuration.tombstoneTTL = settings.tombstoneTTL
        return configuration
    }
}
