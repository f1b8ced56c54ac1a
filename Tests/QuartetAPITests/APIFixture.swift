import ClientSupport
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import QuartetAPI
import QuartetCore
import QuartetTesting

/// The HTTP interface on fakes.
struct APIFixture: Sendable {
    static let key = "the key"
    let database = FakeDatabase()
    let queue = FakeTaskQueue()
    let reviews = FakeReviewStore()
    let sessions = FakeSessionStore()
    let cards = FakeCardStore()
    let keywords = FakeKeywordStore()
    let progress = FakeProgressBoard()
    let cache = FakeVersionedCache()
    let product = ProductID("p-1")!
    var flow: FakeInvalidationFlow?
    /// How products are read and written; the database's unless a test is in between.
    var productStore: (any ProductStore)?
    /// How early entries are found worth loading again.
    var earliness: Double = 0
    var probes: [ReadinessProbe] = []
    var onListening: @Sendable (Int) async -> Void = { _ in }
    var host = "127.0.0.1"
    var port = 0
    var watchersMax = 10_000
    var watchedCardsMax = 200_000
    var heartbeatInterval: Duration = .seconds(15)
    var idleTimeout: Duration = .seconds(75)
    var requestTimeout: Duration = .seconds(60)
    var bodiesBytesMax = 1 << 20
    var connectionsMax = 100
    /// How cards are read; `cards` unless a test is in between.
    var cardReader: (any CardStore)?
    /// How the cache is spoken to; `cache` unless a test is in between.
    var cacheBetween: (any VersionedCache)?
    /// How reviews are read; `reviews` unless a test is in between.
    var reviewReader: (any ReviewStore)?

    var requests: FakeRequestStore { FakeRequestStore(database: database) }

    var server: APIServer {
        var configuration = APIConfiguration(key: Self.key)
        configuration.limits.textBytesMax = 100
        configuration.limits.reviewsPerCallMax = 50
        configuration.limits.bodyBytesMax = 8_192
        configuration.watchInterval = .milliseconds(20)
        (configuration.host, configuration.port) = (host, port)
        configuration.watchersMax = watchersMax
        configuration.watchedCardsMax = watchedCardsMax
        configuration.heartbeatInterval = heartbeatInterval
        configuration.idleTimeout = idleTimeout
        configuration.requestTimeout = requestTimeout
        configuration.bodiesBytesMax = bodiesBytesMax
        configuration.connectionsMax = connectionsMax
        configuration.cache.earliness = { [earliness] _ in earliness }
        return APIServer(
            configuration: configuration,
            ports: ports, probes: probes, metrics: { "metrics\n" },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: onListening)
    }

    var ports: APIPorts {
        APIPorts(
            requests: requests, queue: queue, products: productStore ?? FakeProductStore(database: database),
            reviews: reviewReader ?? reviews, sessions: sessions, cards: cardReader ?? cards, keywords: keywords,
            progress: progress, cache: cacheBetween ?? cache, flow: flow)
    }

    func run(_ body: @escaping @Sendable (Caller) async throws -> Void) async throws {
        try await server.testable.test(.router) { client in
            try await body(Caller(client: client))
        }
    }

    /// A product with `count` reviews.
    func addReviews(_ count: Int = 1) async throws {
        _ = try await FakeProductStore(database: database).put([(product, "a product")])
        let all = (0..<count).map { Review(id: "r-\($0)", text: "text \($0)") }
        if count > 0 { _ = try await reviews.add(all, to: product) }
    }

    static func card(_ request: QuartetCore.RequestID, _ ordinal: Int) -> EmotionCard {
        var scores = EmotionScores()
        scores[.joy] = Fraction(0.8)
        return EmotionCard(
            requestID: request, ordinal: ordinal, reviewID: "r-\(ordinal)",
            reading: EmotionReading(
                emotion: .joy, scores: scores, polarity: Fraction(0.5), keywords: ["k"], excerpt: "text \(ordinal)"))
    }
}

/// A caller who knows the key.
struct Caller: Sendable {
    let client: any TestClientProtocol

    func call(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, contentType: String = "application/json",
        headers: [String: String] = [:], key: String? = APIFixture.key
    ) async throws -> Answer {
        try await call(
            method, path, bytes: body.map { Array($0.utf8) }, contentType: contentType, headers: headers, key: key)
    }

    func call(
        _ method: HTTPRequest.Method, _ path: String, bytes: [UInt8]?, contentType: String = "application/json",
        headers: [String: String] = [:], key: String? = APIFixture.key
    ) async throws -> Answer {
        var fields: HTTPFields = [.contentType: contentType]
        if let key { fields[.authorization] = "Bearer \(key)" }
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        let response = try await client.executeRequest(
            uri: path, method: method, headers: fields, body: bytes.map { ByteBuffer(bytes: $0) })
        return Answer(
            status: response.status.code, headers: response.headers, text: String(buffer: response.body))
    }
}

struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let text: String

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
    }

    /// The problem's kind, for an error.
    var problem: String? {
        guard headers[.contentType] == "application/problem+json" else { return nil }
        return (json["type"] as? String)?.replacing("urn:quartet:problem:", with: "")
    }

    var detail: String { json["detail"] as? String ?? "" }
}

/// The connection went away before the answer came.
struct AnswerLost: StoreFailure {
    var mayHaveHappened: Bool { true }
    var isRetriable: Bool { true }
    var isUnavailable: Bool { true }
    var description: String { "answer lost" }
}

/// Reviews in a store that takes calls and never answers, not even when it is told to stop.
struct HangingReviewStore: ReviewStore {
    private func hang() async -> Never {
        while true { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
    }

    func add(_ reviews: [Review], to product: ProductID) async throws -> Int { await hang() }
    func haveReviews(_ products: [ProductID]) async throws -> [Bool] { await hang() }
    func pages(_ queries: [ReviewPageQuery]) async throws -> [ReviewPage] { await hang() }
    func reviews(_ ids: [String], of product: ProductID) async throws -> [Review?] { await hang() }
    func reviewIDs(of product: ProductID, after: String?, limit: Int) async throws -> [String] { await hang() }
}

/// A store that does not answer.
struct Away: StoreFailure {
    var mayHaveHappened: Bool { false }
    var isRetriable: Bool { true }
    var isUnavailable: Bool { true }
    var description: String { "away" }
}

/// Cards whose first reader waits until it is let go.
final class HeldCardStore: CardStore {
    private let store: any CardStore
    private let held = AsyncStream.makeStream(of: Void.self)
    private let free = AsyncStream.makeStream(of: Void.self)

    init(store: any CardStore) {
        self.store = store
    }

    func untilHeld() async { for await _ in held.stream { return } }
    func letGo() { free.continuation.finish() }

    func segments(of request: QuartetCore.RequestID, after: Int?, limit: Int) async throws -> [CardSegment] {
        try await store.segments(of: request, after: after, limit: limit)
    }

    func pages(_ places: [CardPlace]) async throws -> [CardPage] {
        held.continuation.yield()
        for await _ in free.stream {}
        return try await store.pages(places)
    }

    func insert(_ segments: [CardSegment]) async throws -> InsertedSegments { try await store.insert(segments) }
    func replace(_ pairs: [(stored: CardSegment, by: CardSegment?)]) async throws { try await store.replace(pairs) }
    func counts(_ ids: [QuartetCore.RequestID]) async throws -> [Int] { try await store.counts(ids) }
}
