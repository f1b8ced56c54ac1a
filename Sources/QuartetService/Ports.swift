import QuartetCore
import QuartetStores

/// The ports on the real stores.
struct Ports: Sendable {
    let requests: PostgresRequestStore
    let products: PostgresProductStore
    let outbox: PostgresOutboxStore
    let reviews: MongoReviewStore
    let sessions: MongoSessionStore
    let cards: MongoCardStore
    let queue: MongoTaskQueue
    let progress: RedisProgressBoard
    let cache: RedisVersionedCache

    init(clients: StoreClients, configuration: QuartetConfiguration) throws {
        let shards = configuration.outboxShards
        requests = try PostgresRequestStore(databases: clients.databases, shardCount: shards)
        products = try PostgresProductStore(databases: clients.databases, shardCount: shards)
        outbox = try PostgresOutboxStore(databases: clients.databases, shardCount: shards)
        reviews = MongoReviewStore(client: clients.mongo)
        sessions = MongoSessionStore(client: clients.mongo)
        cards = MongoCardStore(client: clients.mongo)
        queue = MongoTaskQueue(client: clients.mongo)
        let redis = configuration.redis
        progress = RedisProgressBoard(
            client: clients.redis, configuration: .init(prefix: redis.prefix, timeToLive: redis.progressTTL))
        cache = RedisVersionedCache(
            client: clients.redis,
            configuration: .init(
                prefix: redis.prefix, analysisTimeToLive: redis.analysisTTL, productTimeToLive: redis.productTTL,
                tombstoneTimeToLive: redis.tombstoneTTL))
    }

    func ensureIndexes() async throws {
        try await reviews.ensureIndexes()
        try await sessions.ensureIndexes()
        try await cards.ensureIndexes()
        try await queue.ensureIndexes()
    }
}
