import ClientSupport
import Foundation
import Kafka
import Logging
import Mongo
import Postgres
import QuartetCore
import QuartetService
import QuartetStores
import Redis

/// The same store operations as an analysis end to end, with ideal batching and nothing else: no HTTP, no queueing between
/// steps, nothing decided, nothing analysed, every MongoDB document made beforehand.
///
/// Lanes work side by side, each on a batch at a time from its submit to its acknowledgement, so that every store has
/// something to do at any moment.
struct Floor {
    private static let batchSize = 100
    private static let lanes = 6
    private static let cardsPerAnalysis = BenchData.reviewsPerProduct
    static let singleCardsName = "floor_cards"

    /// How the cards of an analysis are stored.
    enum CardLayout {
        /// In one segment, as here.
        case segments
        /// A document each, as most would.
        case single
    }

    let clients: StoreClients
    let productCount: Int
    let logger: Logger
    var layout = CardLayout.segments

    static let what = """
        per batch of \(batchSize), \(lanes) batches side by side: submit and finalise transactions with their outbox rows, \
        outbox read and cursor; queue insert, claim, delete; reviews read; sessions, keyword \
        details and a segment of \(cardsPerAnalysis) cards each inserted; progress scripts; two events published
        """

    /// Runs `count` analyses, a multiple of the batch size; returns how many a second.
    func run(count: Int) async throws -> Double {
        try await withLane { lane in try await run(count: count, in: lane) }
    }

    /// Runs single analyses far apart, each one's operations one after the other; returns how long each one's took up to
    /// its result and the report of it.
    func runLightLoad(count: Int, requestsPerSecond: Int) async throws -> Latencies {
        try await withLane { lane in
            let pace = Pace(perSecond: requestsPerSecond)
            var latencies = Latencies()
            for number in 0..<count {
                let batch = FloorBatch(number, size: 1, productCount: productCount, layout)
                try await pace.wait(for: number)
                let started = ContinuousClock.now
                try await lane.answer(batch)
                latencies.add(started.duration(to: .now))
                try await lane.tidy(batch)
            }
            return latencies
        }
    }

    private func withLane<Value>(_ body: (FloorLane) async throws -> Value) async throws -> Value {
        let requests = try PostgresRequestStore(databases: clients.databases)
        let outbox = try PostgresOutboxStore(databases: clients.databases)
        let owner = UUID()
        _ = try await outbox.holdShards(of: .queue, owner: owner, leaseDuration: .seconds(600))
        let producer = try KafkaProducer(clients.kafka, logger: logger)
        let lane = FloorLane(
            requests: requests, outbox: outbox, owner: owner, mongo: clients.mongo, redis: clients.redis,
            producer: producer)
        let value = try await body(lane)
        await producer.close(deadline: .after(.seconds(5)))
        try await outbox.releaseShards(of: .queue, owner: owner)
        return value
    }

    private func run(count: Int, in lane: FloorLane) async throws -> Double {
        let batches = (0..<count / Self.batchSize).map {
            FloorBatch($0, size: Self.batchSize, productCount: productCount, layout)
        }
        // The first batches warm connections and statement caches.
        for batch in batches.prefix(Self.lanes) { try await lane.run(batch) }
        let measured = Array(batches.dropFirst(Self.lanes))
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Self.lanes {
                group.addTask {
                    for index in stride(from: number, to: measured.count, by: Self.lanes) {
                        try await lane.run(measured[index])
                    }
                }
            }
            try await group.waitForAll()
        }
        let duration = started.duration(to: .now)
        return Double(measured.count * Self.batchSize) / duration.seconds
    }
}

/// One batch's ids and documents.
private struct FloorBatch: Sendable {
    let submissions: [Submission]
    let finalisations: [Finalisation]
    let ids: [BSONValue]
    let tasks: BSONBatch
    let sessions: BSONBatch
    let cards: BSONBatch
    let cardsName: String
    let keywords: BSONBatch
    let reviewRanges: [BSONValue]
    let records: [KafkaRecord]

    init(_ number: Int, size: Int, productCount: Int, _ layout: Floor.CardLayout) {
        let products = (0..<size).map { BenchData.product((number * size + $0) % productCount) }
        let requestIDs = products.map { _ in RequestID.make() }
        submissions = zip(requestIDs, products).map { Submission(id: $0, productID: $1) }
        ids = requestIDs.map { .uuid($0.uuid) }
        var tasks = BSONBatch()
        var sessions = BSONBatch()
        var cards = BSONBatch()
        var keywords = BSONBatch()
        for (id, product) in zip(requestIDs, products) {
            tasks.append { Self.writeTask(id, product, to: &$0) }
            sessions.append { Self.writeSession(id, product, to: &$0) }
            switch layout {
            case .segments: cards.append { Self.writeSegment(id, to: &$0) }
            case .single:
                for ordinal in 0..<BenchData.reviewsPerProduct {
                    cards.append { Self.writeSingleCard(id, ordinal, to: &$0) }
                }
            }
            keywords.append { Self.writeKeywords(id, product, to: &$0) }
        }
        (self.tasks, self.sessions, self.cards, self.keywords) = (tasks, sessions, cards, keywords)
        cardsName = layout == .segments ? MongoCardStore.collectionName : Floor.singleCardsName
        reviewRanges = products.map { product in
            [
                "_id": [
                    "$gte": ["product_id": .string(product.text), "review_id": ""],
                    "$lt": ["product_id": .string(product.text), "review_id": .maxKey],
                ]
            ]
        }
        finalisations = zip(requestIDs, products).map { id, product in
            Finalisation(result: Self.result(id, product))
        }
        records = (requestIDs + requestIDs).map {
            KafkaRecord(
                topic: "floor.events", key: Array($0.description.utf8),
                value: Array(#"{"product_id":"bench-1","generation":1,"version":1700000000000000}"#.utf8),
                headers: [KafkaHeader("ce_id", "1-1-1"), KafkaHeader("ce_type", "analysis.completed")])
        }
    }

    /// A result of usual size, made beforehand.
    private static func result(_ id: RequestID, _ product: ProductID) -> AnalysisResult {
        let session = AnalysisSession(
            requestID: id, productID: product, manifest: (0..<BenchData.reviewsPerProduct).map { "b100-\($0)" },
            analyzer: AnalyzerIdentity(name: "floor", version: "1"))
        let cards = (0..<BenchData.reviewsPerProduct).map { ordinal in
            var scores = EmotionScores()
            let emotion = Emotion.allCases[ordinal % Emotion.allCases.count]
            scores[emotion] = Fraction(0.8)
            return EmotionCard(
                requestID: id, ordinal: ordinal, reviewID: "b100-\(ordinal)",
                reading: EmotionReading(
                    emotion: emotion, scores: scores, polarity: Fraction(0.5),
                    keywords: ["배송", "포장", "색상 \(ordinal)"], excerpt: "배송이 정말 빨라서 놀랐어요"))
        }
        return Fold.result(of: cards, session: session)
    }

    private static func writeTask(_ id: RequestID, _ product: ProductID, to document: inout BSONWriter) {
        document.append("_id", id.uuid)
        document.append("product_id", product.text)
        document.append("generation", Int32(1))
        document.append("state", "live")
        document.append("available_at", milliseconds: 0)
        document.append("attempt", Int32(0))
        document.append("enqueued_at", milliseconds: 0)
    }

    private static func writeSession(_ id: RequestID, _ product: ProductID, to document: inout BSONWriter) {
        document.append("_id", id.uuid)
        document.append("product_id", product.text)
        document.appendArray("manifest") { array in
            for index in 0..<BenchData.reviewsPerProduct { array.append("b100-\(index)") }
        }
        document.append("pinned_at", milliseconds: 0)
    }

    private static func writeKeywords(_ id: RequestID, _ product: ProductID, to document: inout BSONWriter) {
        document.append("_id", id.uuid)
        document.append("product_id", product.text)
        document.appendArray("keywords") { array in
            for index in 0..<Fold.keywordDetailsMax {
                array.appendDocument {
                    $0.append("term", "색상 \(index)")
                    $0.append("count", Int32(2))
                    $0.append("positive", Int32(1))
                    $0.append("negative", Int32(1))
                    $0.append("polarity", 0.125)
                    $0.append("best", [Int32(index)])
                    $0.append("worst", [Int32(index)])
                }
            }
        }
    }

    private static func writeSegment(_ id: RequestID, to document: inout BSONWriter) {
        document.appendDocument("_id") {
            $0.append("request_id", id.uuid)
            $0.append("first", Int32(0))
        }
        document.append("request_id", id.uuid)
        document.appendArray("cards") { cards in
            for ordinal in 0..<BenchData.reviewsPerProduct {
                cards.appendDocument { writeCard(ordinal, to: &$0) }
            }
        }
        document.append("created_at", milliseconds: 0)
    }

    private static func writeSingleCard(_ id: RequestID, _ ordinal: Int, to document: inout BSONWriter) {
        document.appendDocument("_id") {
            $0.append("request_id", id.uuid)
            $0.append("ordinal", Int32(ordinal))
        }
        writeCard(ordinal, to: &document)
        document.append("created_at", milliseconds: 0)
    }

    private static func writeCard(_ ordinal: Int, to document: inout BSONWriter) {
        document.append("review_id", "b100-\(ordinal)")
        document.append("emotion", "joy")
        document.appendDocument("scores") { scores in
            for emotion in Emotion.allCases { scores.append(key: emotion.rawValue, 0.125) }
        }
        document.append("polarity", 0.5)
        document.appendArray("keywords") { array in
            for keyword in ["배송", "포장", "색상"] { array.append(keyword) }
        }
        document.append("excerpt", "배송이 정말 빨라서 놀랐어요")
    }
}

/// The operations of one batch, one after the other.
private struct FloorLane: Sendable {
    private static let progress = RedisScript(
        "redis.call('HSET', KEYS[1], 'done', ARGV[1], 'total', ARGV[1]) redis.call('PEXPIRE', KEYS[1], 3600000) "
            + "redis.call('PUBLISH', KEYS[1], '') return 1")

    let requests: PostgresRequestStore
    let outbox: PostgresOutboxStore
    let owner: UUID
    let mongo: MongoClient
    let redis: RedisClient
    let producer: KafkaProducer

    func run(_ batch: FloorBatch) async throws {
        _ = try await requests.submit(batch.submissions)
        let rows = try await outbox.read(sink: .queue, owner: owner, limit: 200)
        _ = try await outbox.advance(sink: .queue, owner: owner, past: rows)
        _ = try await producer.send(batch.records)

        let queue = mongo.collection("analysis_queue", writeConcern: .majority)
        let queueUnsafe = mongo.collection("analysis_queue", writeConcern: .one)
        let mine: BSONDocument = ["_id": ["$in": .array(batch.ids)]]
        _ = try await queue.insertMany(batch.tasks)
        _ = try await queueUnsafe.find(["state": "live"], MongoFindOptions(projection: ["_id": 1], limit: 100))
        _ = try await queueUnsafe.updateMany(
            mine, ["$inc": ["attempt": 1], "$set": ["available_at": .date(milliseconds: 9)]])
        _ = try await queueUnsafe.find(mine)
        _ = try await mongo.collection("raw_reviews").find(["$or": .array(batch.reviewRanges)])
        _ = try await mongo.collection("realtime_analysis_sessions", writeConcern: .one).insertMany(batch.sessions)
        async let keywords = mongo.collection("keyword_details").insertMany(batch.keywords)
        _ = try await mongo.collection(batch.cardsName).insertMany(batch.cards)
        _ = try await keywords
        _ = await report(batch)
        _ = try await requests.finalise(batch.finalisations)
        _ = await report(batch)
        _ = try await queueUnsafe.deleteMany(mine)
    }

    /// What an analysis waits for.
    func answer(_ batch: FloorBatch) async throws {
        _ = try await requests.submit(batch.submissions)
        _ = try await outbox.read(sink: .queue, owner: owner, limit: 200)
        _ = try await mongo.collection("analysis_queue", writeConcern: .majority).insertMany(batch.tasks)
        _ = try await mongo.collection("analysis_queue", writeConcern: .one).findOneAndUpdate(
            ["state": "live"], ["$inc": ["attempt": 1], "$set": ["available_at": .date(milliseconds: 9)]],
            MongoFindAndModifyOptions(returnsNew: true))
        _ = try await mongo.collection("raw_reviews").find(["$or": .array(batch.reviewRanges)])
        _ = try await mongo.collection("realtime_analysis_sessions", writeConcern: .one).insertMany(batch.sessions)
        async let keywords = mongo.collection("keyword_details").insertMany(batch.keywords)
        _ = try await mongo.collection(batch.cardsName).insertMany(batch.cards)
        _ = try await keywords
        _ = try await requests.finalise(batch.finalisations)
        _ = await report(batch)
    }

    /// What comes after it.
    func tidy(_ batch: FloorBatch) async throws {
        let rows = try await outbox.read(sink: .queue, owner: owner, limit: 200)
        _ = try await outbox.advance(sink: .queue, owner: owner, past: rows)
        let mine: BSONDocument = ["_id": ["$in": .array(batch.ids)]]
        _ = try await mongo.collection("analysis_queue", writeConcern: .one).deleteMany(mine)
    }

    private func report(_ batch: FloorBatch) async -> Int {
        let commands = batch.submissions.map {
            RedisCommand.eval(Self.progress, keys: ["floor:{\($0.id)}"], args: [BenchData.reviewsPerProduct])
        }
        return ((try? await redis.pipeline(commands)) ?? []).count
    }
}
