import ClientSupport
import Foundation
import Logging
import QuartetCore
import QuartetRoles
import QuartetTesting
import Synchronization

/// The whole of Quartet on fakes, with a clock that the test moves.
struct FakeSystem: Sendable {
    let clock = ManualClock()
    let database = FakeDatabase()
    let queue: FakeTaskQueue
    let reviews = FakeReviewStore()
    /// Sessions and cards are in one store.
    let primary = FakePrimary()
    let sessions: FakeSessionStore
    let cards: FakeCardStore
    let keywords = FakeKeywordStore()
    let progress: FakeProgressBoard
    let cache = FakeVersionedCache()
    let events = FakeEventStream()
    let analyzer = ScriptedAnalyzer()
    let product = ProductID("p-1")!
    private let owner = UUID()
    var configuration = WorkerConfiguration()

    init() {
        progress = FakeProgressBoard(cache: cache)
        queue = FakeTaskQueue(clock: clock)
        sessions = FakeSessionStore(primary: primary)
        cards = FakeCardStore(primary: primary)
        configuration.reviewsPerChunk = 4
        // Whatever keeps a test, its chunks stay as long.
        configuration.timePerSegment = .seconds(100_000)
        configuration.attemptsMax = 3
    }

    var requests: FakeRequestStore { FakeRequestStore(database: database) }
    var outbox: FakeOutboxStore { FakeOutboxStore(database: database) }
    var logger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    var queueDelivery: QueueDelivery { QueueDelivery(queue: queue, progress: progress, logger: logger) }

    var ports: WorkerPorts {
        WorkerPorts(
            requests: requests, queue: queue, reviews: reviews, sessions: sessions, cards: cards, keywords: keywords,
            progress: progress, analyzer: analyzer)
    }

    var steps: WorkerBatchers { WorkerBatchers(ports: ports, configuration: configuration) { _ in } }

    func worker(_ identity: String = "w-1") -> Worker {
        Worker(identity: identity, configuration: Live(configuration), ports: ports, logger: logger)
    }

    func relay(_ delivery: any OutboxDelivery) -> Relay {
        Relay(
            owner: owner, database: "fake", configuration: Live(RelayConfiguration()), outbox: outbox,
            delivery: delivery,
            logger: logger)
    }

    /// Stores a product with `count` reviews.
    func addReviews(_ count: Int) async throws {
        _ = try await FakeProductStore(database: database).put([(product, "a product")])
        let all = (0..<count).map { Review(id: "r-\(1000 + $0)", text: "text \($0)") }
        _ = try await reviews.add(all, to: product)
    }

    /// Submits one request and relays it into the queue.
    func submit() async throws -> RequestID {
        let id = RequestID.make()
        _ = try await requests.submit([Submission(id: id, productID: product)])
        let relay = relay(queueDelivery)
        try await relay.holdShards()
        while try await relay.runOnce() > 0 {}
        return id
    }

    func request(_ id: RequestID) async throws -> AnalysisRequest? {
        try await requests.requests([id])[0]
    }

    func storedCards(_ id: RequestID) async throws -> [EmotionCard] {
        try await cards.cards(of: id, after: nil, limit: .max)
    }
}

/// An analyser that does as the test says, and remembers what it read.
final class ScriptedAnalyzer: EmotionAnalyzer {
    let identity = AnalyzerIdentity(name: "scripted", version: "1")
    private let state = Mutex(
        (read: [String](), failing: Set<String>(), before: Optional<@Sendable (String) async -> Void>.none))

    var reviewsRead: [String] { state.withLock { $0.read } }

    func fail(_ reviewID: String) { state.withLock { _ = $0.failing.insert(reviewID) } }
    func heal() { state.withLock { $0.failing = [] } }
    func before(_ hook: @escaping @Sendable (String) async -> Void) { state.withLock { $0.before = hook } }

    func analyze(_ reviews: [Review]) async throws -> [Result<EmotionReading, AnalyzerError>] {
        var results: [Result<EmotionReading, AnalyzerError>] = []
        for review in reviews {
            await state.withLock { $0.before }?(review.id)
            let isFailing = state.withLock { state in
                state.read.append(review.id)
                return state.failing.contains(review.id)
            }
            results.append(
                isFailing
                    ? .failure(AnalyzerError(reviewID: review.id, message: "can't read this"))
                    : .success(Self.reading(of: review)))
        }
        return results
    }

    static func reading(of review: Review) -> EmotionReading {
        var scores = EmotionScores()
        scores[.joy] = Fraction(1)
        return EmotionReading(
            emotion: .joy, scores: scores, polarity: Fraction(0.5), keywords: [review.id], excerpt: review.text)
    }
}

/// A store that does not answer.
struct Away: StoreFailure {
    var mayHaveHappened = false
    var isRetriable: Bool { true }
    var isUnavailable: Bool { true }
    var description: String { "away" }
}
