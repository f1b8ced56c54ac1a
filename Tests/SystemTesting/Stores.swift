import ClientSupport
package import Foundation
package import Kafka
import Logging
package import Mongo
package import QuartetCore

/// What the stores hold, seen past Quartet: by psql, redis-cli, commands to MongoDB, and a reader of the topics.
package struct Stores: Sendable {
    private let environment: [String: String]
    private let folder: URL
    private let mongo: MongoClient
    private static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// - Parameters:
    ///   - environment: the variables by which Quartet finds its stores.
    ///   - folder: for the files of commands.
    package init(environment: [String: String], folder: URL) throws {
        self.environment = environment
        self.folder = folder
        mongo = try MongoClient(
            MongoConfiguration(url: environment["MONGODB_URL"] ?? ""), logger: Self.silence)
    }

    package func close() async {
        await mongo.close()
    }

    // MARK: PostgreSQL

    /// The rows of a query in `dropship`, or another database, as text.
    package func rows(_ sql: String, in database: String = "DROPSHIP") async throws -> [[String]] {
        let output = try await TestProcess.output(
            of: [
                "psql", "-X", "-q", "-A", "-t", "-F", "\u{1F}", "-v", "ON_ERROR_STOP=1", "-c", sql,
                environment["\(database)_DATABASE_URL"] ?? "",
            ], folder: folder)
        return output.split(separator: "\n").map {
            $0.split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init)
        }
    }

    package func count(_ sql: String) async throws -> Int {
        let rows = try await rows("SELECT count(*) FROM \(sql)")
        guard let text = rows.first?.first, let count = Int(text) else { throw TestFailure("no count of \(sql)") }
        return count
    }

    // MARK: Redis

    /// The lines of a reply.
    package func redis(_ arguments: String...) async throws -> [String] { try await redis(arguments) }

    package func redis(_ arguments: [String]) async throws -> [String] {
        try await TestProcess.output(
            of: ["redis-cli", "-u", environment["REDIS_URL"] ?? "", "--raw", "--no-auth-warning"]
                + (environment["REDIS_CA_FILE"].map { ["--cacert", $0] } ?? []) + arguments, folder: folder
        ).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// A hash of this system's, by the key's name without the prefix.
    package func hash(_ key: String) async throws -> [String: String] {
        let fields = try await redis("HGETALL", prefix + key)
        return Dictionary(
            stride(from: 0, to: fields.count - 1, by: 2).map { (fields[$0], fields[$0 + 1]) }, uniquingKeysWith: { $1 })
    }

    /// Milliseconds until the key expires; negative for a key that does not, or is not there.
    package func timeToLive(_ key: String) async throws -> Int {
        try await redis("PTTL", prefix + key).first.flatMap { Int($0) } ?? -3
    }

    /// This system's keys.
    package func keys() async throws -> [String] {
        try await redis("--scan", "--pattern", "\(prefix)*").map { String($0.dropFirst(prefix.count)) }
    }

    private var prefix: String { environment["REDIS_PREFIX"] ?? "" }

    // MARK: MongoDB

    package func documents(
        _ collection: String, _ filter: BSONDocument = [:], sort: BSONDocument = ["_id": 1]
    ) async throws -> [BSONDocument] {
        var options = MongoFindOptions()
        options.sort = sort
        return try await mongo.collection(collection, readConcern: .majority).find(filter, options)
    }

    /// A request's task in the queue: `live` or `dead`, and how often it was claimed.
    package func task(of id: RequestID) async throws -> (state: String, attempt: Int)? {
        try await documents("analysis_queue", ["_id": .uuid(id.uuid)]).first.map {
            (try $0.decode("state"), try $0.decode("attempt"))
        }
    }

    /// Who holds a request's task.
    package func worker(of id: RequestID) async throws -> String? {
        let task = try await documents("analysis_queue", ["_id": .uuid(id.uuid)]).first
        return try task?.decode("lease", as: BSONDocument?.self)?.decode("worker")
    }

    /// Loses the queue, as a copy may be lost.
    package func dropQueue() async throws {
        try await mongo.runCommand(["drop": "analysis_queue"])
    }

    /// The names of a collection's indexes.
    package func indexes(of collection: String) async throws -> [String] {
        let reply = try await mongo.runCommand(["listIndexes": .string(collection)])
        let cursor: BSONDocument = try reply.decode("cursor")
        let batch: [BSONDocument] = try cursor.decode("firstBatch")
        return try batch.map { try $0.decode("name") }
    }

    /// The reviews that a request analyses, nil before it is known which.
    package func session(of id: RequestID) async throws -> AnalysisSession? {
        guard let document = try await documents("realtime_analysis_sessions", ["_id": .uuid(id.uuid)]).first else {
            return nil
        }
        let analyzer: BSONDocument = try document.decode("analyzer")
        guard let product = ProductID(try document.decode("product_id", as: String.self)) else { return nil }
        return AnalysisSession(
            requestID: id, productID: product, manifest: try document.decode("manifest"),
            analyzer: AnalyzerIdentity(name: try analyzer.decode("name"), version: try analyzer.decode("version")))
    }

    /// A request's cards, by ordinal.
    package func cards(of id: RequestID) async throws -> [EmotionCard] {
        try await documents("emotion_cards", ["request_id": .uuid(id.uuid)]).map {
            try EmotionCard(stored: $0, of: id)
        }
    }

    /// What is kept of a request's keywords, nil before it is.
    package func keywordDetails(of id: RequestID) async throws -> KeywordDetails? {
        try await documents("keyword_details", ["_id": .uuid(id.uuid)]).first.map {
            try KeywordDetails(stored: $0, of: id)
        }
    }

    /// Removes a product's reviews, as no caller can.
    package func removeReviews(of product: String) async throws {
        try await mongo.runCommand([
            "delete": "raw_reviews",
            "deletes": [["q": ["_id.product_id": .string(product)], "limit": 0]],
        ])
    }

    /// Takes the text of a stored review away, as no caller can.
    package func spoilReview(_ id: String, of product: String) async throws {
        try await updateReview(id, of: product, ["$rename": ["text": "lost"]])
    }

    /// Gives the text back that ``spoilReview(_:of:)`` took away.
    package func mendReview(_ id: String, of product: String) async throws {
        try await updateReview(id, of: product, ["$rename": ["lost": "text"]])
    }

    private func updateReview(_ id: String, of product: String, _ change: BSONDocument) async throws {
        try await mongo.runCommand([
            "update": "raw_reviews",
            "updates": [
                [
                    "q": ["_id.product_id": .string(product), "_id.review_id": .string(id)],
                    "u": .document(change),
                ]
            ],
        ])
    }

    /// Stores a card of a review that is not in the manifest, as an attempt with a lost manifest may have done.
    package func addStrangerCard(to id: RequestID, ordinal: Int) async throws {
        let key: BSONDocument = ["request_id": .uuid(id.uuid), "first": .int32(Int32(ordinal))]
        let card: BSONDocument = [
            "review_id": "stranger", "emotion": "joy", "scores": ["joy": 1.0], "polarity": 1.0, "keywords": [],
            "excerpt": "stranger",
        ]
        let segment: BSONDocument = [
            "_id": .document(key), "request_id": .uuid(id.uuid), "cards": [.document(card)],
            "created_at": .date(milliseconds: 0),
        ]
        try await mongo.runCommand(["insert": "emotion_card_segments", "documents": [.document(segment)]])
    }

    /// Has the server that takes writes elected anew; returns when it takes writes again. Connections stay.
    package func electAnew() async throws {
        _ = try await mongo.runCommand(["replSetStepDown": 1, "force": true], database: "admin")
        try await eventually("a primary is elected") {
            let hello = try await mongo.runCommand(["hello": 1], database: "admin")
            return try hello.decode("isWritablePrimary", as: Bool.self)
        }
    }

    /// Changes a task's document, as nobody who goes by the rules can.
    package func spoilTask(_ id: RequestID, _ change: BSONDocument) async throws {
        try await mongo.runCommand([
            "update": "analysis_queue", "updates": [["q": ["_id": .uuid(id.uuid)], "u": .document(change)]],
        ])
    }

    /// Puts a document into the queue that is no task.
    package func addStray(_ document: BSONDocument) async throws {
        try await mongo.runCommand(["insert": "analysis_queue", "documents": [.document(document)]])
    }

    package func removeSession(of id: RequestID) async throws {
        try await mongo.runCommand([
            "delete": "realtime_analysis_sessions",
            "deletes": [["q": ["_id": .uuid(id.uuid)], "limit": 1]],
        ])
    }

    // MARK: Kafka

    /// Every record of a topic, by partition and offset.
    package func records(of topic: EventTopic) async throws -> [KafkaConsumedRecord] {
        try await records(ofTopic: topic.rawValue)
    }

    /// Every record of a topic, by partition and offset.
    package func records(ofTopic topic: String) async throws -> [KafkaConsumedRecord] {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        let consumer = try KafkaConsumer(kafka, options: options, logger: Self.silence)
        do {
            let records = try await Self.records(of: topic, by: consumer)
            await consumer.close(deadline: .after(.seconds(5)))
            return records
        } catch {
            await consumer.close(deadline: .after(.seconds(5)))
            throw error
        }
    }

    /// How many partitions a topic has.
    package func partitions(ofTopic topic: String) async throws -> Int {
        let consumer = try KafkaConsumer(kafka, options: KafkaConsumerOptions(), logger: Self.silence)
        do {
            let count = try await consumer.watermarks(topic: topic, deadline: .after(patience)).count
            await consumer.close(deadline: .after(.seconds(5)))
            return count
        } catch {
            await consumer.close(deadline: .after(.seconds(5)))
            throw error
        }
    }

    private var kafka: KafkaConfiguration {
        let brokers = (environment["KAFKA_BROKERS"] ?? "").split(separator: ",").map(String.init)
        // Where there are rights, those of Quartet's own groups.
        let name = environment["KAFKA_GROUP_PREFIX"] ?? "quartet"
        guard let authority = environment["KAFKA_CA_FILE"] else {
            return KafkaConfiguration(brokers: brokers, clientID: name)
        }
        return KafkaConfiguration(
            brokers: brokers, clientID: name,
            properties: [
                "security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN", "ssl.ca.location": authority,
                "sasl.username": environment["KAFKA_USERNAME"] ?? "",
                "sasl.password": environment["KAFKA_PASSWORD"] ?? "",
            ])
    }

    /// Sends a value to a topic, with the headers of an event or with none.
    package func send(_ value: String, to topic: EventTopic, asEvent isEvent: Bool) async throws {
        let headers = [
            ("ce_specversion", "1.0"), ("ce_id", "poison"), ("ce_source", "quartet"), ("ce_type", "analysis.completed"),
            ("ce_subject", "poison"), ("ce_time", "2026-01-01T00:00:00Z"), ("ce_aggregateversion", "1"),
        ]
        let headersOfOne = isEvent ? headers.map { KafkaHeader($0.0, $0.1) } : []
        try await send([value], to: topic, headers: headersOfOne)
    }

    /// Sends values to a topic, all at once.
    package func send(_ values: [String], to topic: EventTopic, headers: [KafkaHeader] = []) async throws {
        let records = values.map {
            KafkaRecord(topic: topic.rawValue, key: nil, value: Array($0.utf8), headers: headers)
        }
        let producer = try KafkaProducer(kafka, options: KafkaProducerOptions(), logger: Self.silence)
        for result in try await producer.send(records, deadline: .after(patience)) { _ = try result.get() }
        await producer.close(deadline: .after(patience))
    }

    /// The aggregate of each record of a topic.
    package func aggregates(in topic: EventTopic) async throws -> [String] {
        try await records(of: topic).compactMap(\.key).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func records(
        of topic: String, by consumer: KafkaConsumer
    ) async throws -> [KafkaConsumedRecord] {
        let marks = try await consumer.watermarks(topic: topic, deadline: .after(patience))
        let positions = marks.filter { $0.high > $0.low }
        guard !positions.isEmpty else { return [] }
        try await consumer.assign(
            positions.map {
                KafkaOffset(KafkaPartition(topic: topic, partition: $0.partition), offset: $0.low)
            })
        var missing = Dictionary(uniqueKeysWithValues: positions.map { ($0.partition, $0.high - 1) })
        var records: [KafkaConsumedRecord] = []
        let deadline = Deadline.after(patience)
        while !missing.isEmpty {
            guard !deadline.isPast else { throw TestFailure("\(topic) could not be read to its end") }
            for record in try await consumer.poll(timeout: .seconds(1)) {
                records.append(record)
                if let last = missing[record.partition], record.offset >= last { missing[record.partition] = nil }
            }
        }
        return records.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }
}

extension EmotionCard {
    /// Reads a document of `emotion_cards` by its published layout.
    fileprivate init(stored document: BSONDocument, of request: RequestID) throws {
        let key: BSONDocument = try document.decode("_id")
        let stored: BSONDocument = try document.decode("scores")
        var scores = EmotionScores()
        for emotion in Emotion.allCases {
            scores[emotion] = Fraction(try stored.decode(emotion.rawValue, as: Double.self))
        }
        guard let emotion = Emotion(rawValue: try document.decode("emotion")) else {
            throw TestFailure("a card with an unknown emotion")
        }
        let aspects: [BSONDocument] = try document.decode("aspects", as: [BSONDocument]?.self) ?? []
        let month: String? = try document.decode("month")
        self.init(
            requestID: request, ordinal: try key.decode("ordinal"), reviewID: try document.decode("review_id"),
            month: month.flatMap(ReviewMonth.init),
            reading: EmotionReading(
                emotion: emotion, scores: scores, polarity: Fraction(try document.decode("polarity", as: Double.self)),
                keywords: try document.decode("keywords"), excerpt: try document.decode("excerpt"),
                aspects: try aspects.map(Aspect.init(stored:))))
    }
}

extension Aspect {
    fileprivate init(stored document: BSONDocument) throws {
        let span: [Int] = try document.decode("span")
        guard let category = AspectCategory(rawValue: try document.decode("category")), span.count == 2 else {
            throw TestFailure("an aspect without a category or a span")
        }
        self.init(
            term: try document.decode("term"), opinion: try document.decode("opinion"),
            polarity: Fraction(try document.decode("polarity", as: Double.self)), span: span[0]..<span[1],
            text: try document.decode("text"), category: category)
    }
}

extension AspectSummary {
    fileprivate init(stored document: BSONDocument) throws {
        func voice(_ key: String) throws -> Voice? {
            guard let voice: BSONDocument = try document.decode(key, as: BSONDocument?.self) else { return nil }
            return Voice(text: try voice.decode("text"), cards: FewOrdinals(try voice.decode("cards", as: [Int].self)))
        }
        guard let category = AspectCategory(rawValue: try document.decode("category")) else {
            throw TestFailure("an aspect without a category")
        }
        self.init(
            term: try document.decode("term"), category: category, count: try document.decode("count"),
            positive: try document.decode("positive"), negative: try document.decode("negative"),
            polarity: Fraction(try document.decode("polarity", as: Double.self)), praise: try voice("praise"),
            complaint: try voice("complaint"))
    }
}

extension KeywordDetails {
    /// Reads a document of `keyword_details` by its published layout.
    fileprivate init(stored document: BSONDocument, of request: RequestID) throws {
        let analyzer: BSONDocument = try document.decode("analyzer")
        let keywords: [BSONDocument] = try document.decode("keywords")
        let digest: String = try document.decode("digest")
        guard let product = ProductID(try document.decode("product_id", as: String.self)),
            let high = UInt64(digest.prefix(16), radix: 16), let low = UInt64(digest.dropFirst(16), radix: 16)
        else { throw TestFailure("keyword details without a product or a digest") }
        self.init(
            requestID: request, productID: product,
            analyzer: AnalyzerIdentity(name: try analyzer.decode("name"), version: try analyzer.decode("version")),
            cardCount: try document.decode("reviews"), digest: CardDigest(high: high, low: low),
            keywords: try keywords.map { keyword in
                Keyword(
                    term: try keyword.decode("term"), count: try keyword.decode("count"),
                    positive: try keyword.decode("positive"), negative: try keyword.decode("negative"),
                    polarity: Fraction(try keyword.decode("polarity", as: Double.self)),
                    best: FewOrdinals(try keyword.decode("best", as: [Int].self)),
                    worst: FewOrdinals(try keyword.decode("worst", as: [Int].self)))
            },
            aspects: try (document.decode("aspects", as: [BSONDocument]?.self) ?? []).map(AspectSummary.init(stored:)))
    }
}
