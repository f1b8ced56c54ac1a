import ClientSupport
import Foundation
import Mongo
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetService
import QuartetStores

/// Requests that all stores agree about: each tenth is open, each twentieth failed, the others are completed, some of
/// these with cards. Where as many analyses as requests are asked for, all are completed and have cards.
struct CheckSeed: Sendable {
    static let cardsPerAnalysis = BenchData.reviewsPerProduct
    private static let batchSize = 1000
    private static let lanes = 4
    /// For each statement over all rows.
    private static let timeMax = Duration.seconds(900)

    let sizes: CheckBench.Sizes
    let clients: StoreClients
    private let begin = UInt64(Date().timeIntervalSince1970 * 1000) - 7 * 86_400_000

    init(sizes: CheckBench.Sizes, clients: StoreClients) {
        self.sizes = sizes
        self.clients = clients
    }

    /// - Parameter look: told how many requests are written.
    func write(look: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        try await MongoTaskQueue(client: clients.mongo).prepare()
        try await writeRequests()
        let batches = (sizes.requests + Self.batchSize - 1) / Self.batchSize
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<Self.lanes {
                group.addTask {
                    for batch in stride(from: lane, to: batches, by: Self.lanes) {
                        let numbers = batch * Self.batchSize..<min((batch + 1) * Self.batchSize, sizes.requests)
                        try await write(numbers)
                        look(numbers.upperBound)
                    }
                }
            }
            try await group.waitForAll()
        }
        let database = try clients.databases.client(of: .dropship)
        let sql = try clients.configuration.tables.render(
            "ANALYZE {analysis_requests}; ANALYZE {analysis_results}; CHECKPOINT", label: "bench"
        ).sql
        for statement in sql.split(separator: ";") {
            try await database.execute(script: String(statement), deadline: .after(Self.timeMax))
        }
    }

    private func id(_ number: Int) -> RequestID {
        let words = (
            ((begin + UInt64(number)) << 16 | 0x7000).bigEndian, (0x8000_0000_0000_0000 | UInt64(number)).bigEndian
        )
        return withUnsafeBytes(of: words) { RequestID(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
    }

    private func status(_ number: Int) -> RequestStatus {
        if sizes.analyses == sizes.requests { return .completed }
        if number.isMultiple(of: 10) { return .queued }
        return number % 20 == 5 ? .failed : .completed
    }

    private func writeRequests() async throws {
        let sql = try clients.configuration.tables.render(
            """
            COPY {analysis_requests} (request_id, product_id, status, generation, created_at, closed_at, failure)
            FROM STDIN
            """, label: "bench"
        ).sql
        _ = try await clients.databases.client(of: .dropship).copyIn(
            sql, from: Lines(count: sizes.requests, line: line), deadline: .after(Self.timeMax))
    }

    private func line(_ number: Int) -> String {
        let status = status(number)
        let closed = status == .queued ? "\\N" : "2026-01-01T00:00:01Z"
        return "\(id(number))\t\(BenchData.product(number % 1000))\t\(status.rawValue)\t1\t2026-01-01T00:00:00Z\t"
            + "\(closed)\t\(status == .failed ? "no reviews" : "\\N")\n"
    }

    private func write(_ numbers: Range<Int>) async throws {
        var tasks = BSONBatch()
        var sessions: [AnalysisSession] = []
        var cards: [EmotionCard] = []
        var results: [AnalysisResult] = []
        var details: [KeywordDetails] = []
        for number in numbers {
            guard status(number) == .completed else {
                tasks.append { writeTask(number, to: &$0) }
                continue
            }
            let session = session(number)
            let own = session.manifest.indices.map { card(number, $0) }
            sessions.append(session)
            cards += own
            let folded = Fold(session: session).adding(own).resultAndKeywordDetails()
            results.append(folded.result)
            details.append(folded.keywordDetails)
        }
        async let stored: Void = write(results)
        try await clients.mongo.collection("analysis_queue").insertMany(tasks).throwIfAny()
        _ = try await MongoSessionStore(client: clients.mongo).pin(sessions)
        _ = try await MongoKeywordStore(client: clients.mongo).insert(details)
        let store = MongoCardStore(client: clients.mongo)
        let segments = CardSegment.runs(of: cards)
        for start in stride(from: 0, to: segments.count, by: 200) {
            _ = try await store.insert(Array(segments[start..<min(start + 200, segments.count)]))
        }
        try await stored
    }

    private func write(_ results: [AnalysisResult]) async throws {
        let sql = try clients.configuration.tables.render(
            """
            INSERT INTO {analysis_results}
                (request_id, product_id, completed_at, card_count, digest, analyzer, result, fold_version)
            SELECT i.id, i.product, '2026-01-01T00:00:01Z', i.cards, i.digest, i.analyzer,
                convert_from(i.result, 'UTF8')::json, \(Fold.version)
            FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bytea[], $5::text[], $6::bytea[])
                AS i (id, product, cards, digest, analyzer, result)
            """, label: "bench"
        ).sql
        let statement = PostgresStatement(
            sql, name: "seed_results", results.map(\.requestID.uuid), results.map(\.productID.text),
            results.map { Int32($0.cardCount) }, results.map(\.digest.bytes), results.map(\.analyzer.description),
            results.map(\.json))
        _ = try await clients.databases.client(of: .dropship).query(statement)
    }

    /// Every sixth or so has reviews, spread over all keys.
    private func session(_ number: Int) -> AnalysisSession {
        let completed = sizes.analyses == sizes.requests ? sizes.requests : max(1, sizes.requests * 17 / 20)
        let has = number * sizes.analyses / completed != (number + 1) * sizes.analyses / completed
        return AnalysisSession(
            requestID: id(number), productID: BenchData.product(number % 1000),
            manifest: has ? (0..<Self.cardsPerAnalysis).map { "b\(number % 1000)-\($0)" } : [],
            analyzer: AnalyzerIdentity(name: "lexicon", version: "1"))
    }

    private func card(_ number: Int, _ ordinal: Int) -> EmotionCard {
        var scores = EmotionScores()
        let emotion = Emotion.allCases[(number + ordinal) % Emotion.allCases.count]
        scores[emotion] = Fraction(0.8)
        scores[.neutral] = Fraction(0.2)
        return EmotionCard(
            requestID: id(number), ordinal: ordinal, reviewID: "b\(number % 1000)-\(ordinal)",
            reading: EmotionReading(
                emotion: emotion, scores: scores, polarity: Fraction(0.4), keywords: ["배송", "포장", "quality"],
                excerpt: "배송이 정말 빨라서 놀랐어요. 포장도 꼼꼼하고 색상도 사진과 똑같아서 대만족입니다."))
    }

    private func writeTask(_ number: Int, to document: inout BSONWriter) {
        document.append("_id", id(number).uuid)
        document.append("product_id", BenchData.product(number % 1000).text)
        document.append("generation", Int32(1))
        document.append("state", status(number) == .queued ? "live" : "dead")
        document.append("available_at", milliseconds: Int64(begin))
        document.append("attempt", Int32(0))
        document.append("enqueued_at", milliseconds: Int64(begin))
    }
}

/// COPY's text, some thousand lines at a time.
private struct Lines: AsyncSequence {
    let count: Int
    let line: (Int) -> String

    struct Iterator: AsyncIteratorProtocol {
        let lines: Lines
        var next = 0

        mutating func next() async -> [UInt8]? {
            guard next < lines.count else { return nil }
            let numbers = next..<Swift.min(next + 10_000, lines.count)
            next = numbers.upperBound
            return Array(numbers.map(lines.line).joined().utf8)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(lines: self) }
}
