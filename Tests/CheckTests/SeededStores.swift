import ClientSupport
import Foundation
import Logging
import Mongo
import Postgres
import QuartetCore
import QuartetStores
import SystemTesting

/// Requests as a system has them after a while, written straight into the stores: each is open, failed, cancelled or
/// completed by its number, and all stores agree.
struct SeededStores {
    static let productCount = 50
    /// Of each product.
    static let reviewCount = 3

    let count: Int
    let postgres: PostgresClient
    let mongo: MongoClient
    let begin: Date
    /// Between one request and the next.
    private let spacingMilliseconds: Int

    init(_ system: QuartetSystem, count: Int, spacingMilliseconds: Int = 1) throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.count = count
        self.spacingMilliseconds = spacingMilliseconds
        postgres = PostgresClient(
            try PostgresConfiguration(url: system.environment["DROPSHIP_DATABASE_URL"] ?? ""), logger: logger)
        mongo = try MongoClient(
            MongoConfiguration(url: system.environment["MONGODB_URL"] ?? ""), logger: logger)
        begin = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 - 86_400).rounded())
    }

    func close() async {
        await postgres.close()
        await mongo.close()
    }

    // MARK: What is where

    /// The id of the request of that number; also of numbers that have none.
    func id(_ number: Int) -> RequestID {
        let milliseconds =
            UInt64(begin.timeIntervalSince1970 * 1000) + UInt64(number * spacingMilliseconds + 1_000_000)
        let words = (
            (milliseconds << 16 | 0x7000).bigEndian, (0x8000_0000_0000_0000 | UInt64(number + 1_000_000)).bigEndian
        )
        return withUnsafeBytes(of: words) { RequestID(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
    }

    /// When the request of that number was submitted. It was closed, if it was, a minute later.
    func submittedAt(_ number: Int) -> Date {
        begin.addingTimeInterval(Double(number * spacingMilliseconds) / 1000 + 1000)
    }

    func status(_ number: Int) -> RequestStatus {
        switch number % 5 {
        case 0: .queued
        case 1: .failed
        case 2: .cancelled
        default: .completed
        }
    }

    func product(_ number: Int) -> ProductID { ProductID("seed-\(number % Self.productCount)")! }

    /// A review, or three.
    func session(_ number: Int) -> AnalysisSession {
        AnalysisSession(
            requestID: id(number), productID: product(number),
            manifest: (0..<(number % 50 < 5 ? Self.reviewCount : 1)).map { "r-\($0)" },
            analyzer: AnalyzerIdentity(name: "lexicon", version: "seeded"))
    }

    func card(_ number: Int, _ ordinal: Int) -> EmotionCard {
        var scores = EmotionScores()
        let emotion = Emotion.allCases[(number + ordinal) % Emotion.allCases.count]
        scores[emotion] = Fraction(tenThousandths: Int32(5000 + number % 5000))
        return EmotionCard(
            requestID: id(number), ordinal: ordinal, reviewID: "r-\(ordinal)",
            reading: EmotionReading(
                emotion: emotion, scores: scores, polarity: Fraction(tenThousandths: Int32(number % 20_000 - 10_000)),
                keywords: ["word\(number % 7)", "단어"], excerpt: "what number \(number % 100) says"))
    }

    func cards(_ number: Int) -> [EmotionCard] {
        session(number).manifest.indices.map { card(number, $0) }
    }

    func keywordDetails(_ number: Int) -> KeywordDetails {
        Fold(session: session(number)).adding(cards(number)).keywordDetails()
    }

    // MARK: Writing

    func write() async throws {
        try await ReviewsAndProducts(stores: self).write()
        async let rows: Void = writeRows()
        async let documents: Void = writeDocuments()
        _ = try await (rows, documents)
    }

    private func writeRows() async throws {
        let requests = Lines(count: count) { number in
            let status = status(number)
            let created = Self.time(submittedAt(number))
            let closed = status == .queued ? "\\N" : Self.time(submittedAt(number).addingTimeInterval(60))
            return
                "\(id(number))\t\(product(number))\t\(status.rawValue)\t1\t\(created)\t\(closed)\t\(status == .failed ? "no reviews" : "\\N")"
        }
        let loaded = try await postgres.copyIn(
            """
            COPY analysis.analysis_requests (request_id, product_id, status, generation, created_at, closed_at, failure)
            FROM STDIN
            """, from: requests)
        guard loaded == count else { throw TestFailure("\(loaded) of \(count) requests") }
        let results = Lines(count: count) { number in
            guard status(number) == .completed else { return nil }
            let closed = Self.time(submittedAt(number).addingTimeInterval(60))
            let result = Fold.result(of: cards(number), session: session(number))
            let json = String(decoding: result.json, as: UTF8.self).replacing("\\", with: "\\\\")
            return "\(id(number))\t\(product(number))\t\(closed)\t\(result.cardCount)\t\\\\x\(result.digest)\t"
                + "\(result.analyzer)\t\(json)\t\(Fold.version)"
        }
        _ = try await postgres.copyIn(
            """
            COPY analysis.analysis_results
                (request_id, product_id, completed_at, card_count, digest, analyzer, result, fold_version)
            FROM STDIN
            """, from: results)
        try await postgres.execute(script: "ANALYZE analysis.analysis_requests; ANALYZE analysis.analysis_results")
    }

    private func writeDocuments() async throws {
        try await MongoTaskQueue(client: mongo).prepare()
        let sessions = MongoSessionStore(client: mongo)
        let cardStore = MongoCardStore(client: mongo)
        let keywords = MongoKeywordStore(client: mongo)
        for start in stride(from: 0, to: count, by: 5000) {
            let numbers = start..<min(start + 5000, count)
            var tasks = BSONBatch()
            for number in numbers where [.queued, .failed].contains(status(number)) {
                tasks.append { writeTask(number, isDead: status(number) == .failed, to: &$0) }
            }
            try await collection("analysis_queue").insertMany(tasks).throwIfAny()
            let completed = numbers.filter { status($0) == .completed }
            _ = try await sessions.pin(completed.map(session))
            _ = try await cardStore.insert(CardSegment.runs(of: completed.flatMap(cards)))
            _ = try await keywords.insert(completed.map(keywordDetails))
        }
    }

    /// A task that nobody claims while the test runs.
    func writeTask(_ number: Int, isDead: Bool, generation: Int32 = 1, to document: inout BSONWriter) {
        let day = begin.bsonMilliseconds
        document.append("_id", id(number).uuid)
        document.append("product_id", product(number).text)
        document.append("generation", generation)
        document.append("state", isDead ? "dead" : "live")
        document.append("available_at", milliseconds: day + 30 * 86_400_000)
        document.append("attempt", Int32(0))
        document.append("enqueued_at", milliseconds: day)
    }

    func collection(_ name: String) -> MongoCollection { mongo.collection(name) }

    private static func time(_ date: Date) -> String { date.formatted(format) }

    private static let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

/// COPY's text, some thousand lines at a time; a line of nil is none.
private struct Lines: AsyncSequence {
    let count: Int
    let line: (Int) -> String?

    struct Iterator: AsyncIteratorProtocol {
        let lines: Lines
        var next = 0

        mutating func next() async -> [UInt8]? {
            guard next < lines.count else { return nil }
            let numbers = next..<Swift.min(next + 5000, lines.count)
            next = numbers.upperBound
            return Array(numbers.compactMap(lines.line).map { $0 + "\n" }.joined().utf8)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(lines: self) }
}

/// The products of seeded requests, with reviews so that one can run again.
private struct ReviewsAndProducts {
    let stores: SeededStores

    func write() async throws {
        let reviews = MongoReviewStore(client: stores.mongo)
        for number in 0..<SeededStores.productCount {
            let product = stores.product(number)
            let texts = ["I love it, works perfectly.", "It broke after two days.", "배송이 너무 늦어서 화가 났어요."]
            _ = try await reviews.add(
                texts.enumerated().map { Review(id: "r-\($0.offset)", text: $0.element) }, to: product)
        }
        try await stores.postgres.execute(
            script: """
                INSERT INTO catalog.products (product_id, name, version, created_at, updated_at)
                SELECT 'seed-' || n, 'seeded', 2, now() - interval '1 day', now() - interval '1 day'
                FROM generate_series(0, \(SeededStores.productCount - 1)) AS n
                """)
    }
}
