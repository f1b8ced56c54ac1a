import ClientSupport
import Foundation
import Logging
import QuartetCheck
import QuartetCore
import QuartetRoles
import QuartetTesting

/// A checker on fakes, in a time that the test moves.
final class CheckFixture: Sendable {
    static let product = ProductID("p")!
    static let began = Date(timeIntervalSince1970: 1_700_000_000)

    let clock = ManualClock()
    let database: FakeDatabase
    let queue: FakeTaskQueue
    let sessions = FakeSessionStore()
    let cards = FakeCardStore()
    let keywords = FakeKeywordStore()
    let documents: FakeDocumentCheckStore
    let cache = FakeVersionedCache()
    let caches: FakeCacheCheckStore
    let references = [
        FakeReferenceCheckStore(), FakeReferenceCheckStore("benchmark_products.product_id", cure: .clear),
    ]
    let readModels = FakeReadModelCheckStore("users_view")
    let products = FakeReadModelCheckStore("products_view")
    let sweeps: FakeSweeps
    let configuration: CheckConfiguration

    init(_ configure: (inout CheckConfiguration) -> Void = { _ in }) {
        var configuration = CheckConfiguration()
        configuration.workShare = 100
        configuration.requestsPerChunk = 10
        configuration.settleWindow = .seconds(60)
        configuration.secondLookPause = .seconds(2)
        configure(&configuration)
        self.configuration = configuration
        database = FakeDatabase { [clock] in Self.began.addingTimeInterval(clock.now.offset.seconds) }
        queue = FakeTaskQueue(clock: clock)
        documents = FakeDocumentCheckStore(queue: queue, sessions: sessions, cards: cards, keywords: keywords)
        caches = FakeCacheCheckStore(cache: cache, database: database)
        sweeps = FakeSweeps { Self.began.addingTimeInterval(3600) }
    }

    var began: Date { Self.began }

    var requests: FakeRequestStore { FakeRequestStore(database: database) }

    var checker: Checker {
        let ports = CheckPorts(
            sweeps: sweeps, requests: requests, checkStore: FakeRequestCheckStore(database: database),
            documents: documents, queue: queue, sessions: sessions, cards: cards, keywords: keywords,
            outboxes: [
                CheckedOutbox(
                    database: "fake", checks: FakeOutboxCheckStore(database: database),
                    outbox: FakeOutboxStore(database: database), deliveries: [])
            ],
            caches: caches, cache: cache, products: FakeProductStore(database: database),
            references: references,
            readModels: [FakeReadModelCheckStore("unused_view", isKept: false), readModels, products])
        return Checker(
            ports: ports, configuration: Live(configuration), holder: "test", time: SweepTime(clock: clock),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Submits requests that are open, with their tasks, and returns their ids in order.
    func submit(_ count: Int) async throws -> [RequestID] {
        _ = try await FakeProductStore(database: database).put([(Self.product, "p")])
        let ids = (0..<count).map { requestID(madeAt: Self.began.addingTimeInterval(Double($0))) }.sorted()
        _ = try await requests.submit(ids.map { Submission(id: $0, productID: Self.product) })
        try await queue.enqueue(ids.map { task($0) })
        try await deliver()
        return ids
    }

    /// Does a request's task: the cards and what they fold into are in their stores.
    func complete(_ id: RequestID) async throws {
        let session = session(id, manifest: ["r0", "r1"])
        let cards = session.manifest.enumerated().map { ordinal, review in
            let reading = EmotionReading(
                emotion: .joy, scores: EmotionScores(), polarity: Fraction(0.5), keywords: ["soft"], excerpt: "so soft")
            return EmotionCard(requestID: id, ordinal: ordinal, reviewID: review, reading: reading)
        }
        sessions.put(session)
        _ = try await self.cards.insert(CardSegment.runs(of: cards))
        let fold = Fold(session: session).adding(cards)
        _ = try await keywords.insert([fold.keywordDetails()])
        _ = try await requests.finalise([Finalisation(result: fold.result())])
        try await setTask(id, isDead: nil)
        try await deliver()
    }

    func fail(_ ids: some Sequence<RequestID>) async throws {
        _ = try await requests.fail(ids.map { RequestFailure(requestID: $0, generation: 1, message: "no") })
        try await deliver()
    }

    func task(_ id: RequestID) -> AnalysisTask {
        AnalysisTask(requestID: id, productID: Self.product, generation: 1)
    }

    func session(
        _ id: RequestID, of product: ProductID = CheckFixture.product, manifest: [String] = []
    ) -> AnalysisSession {
        AnalysisSession(
            requestID: id, productID: product, manifest: manifest,
            analyzer: AnalyzerIdentity(name: "test", version: "1"))
    }

    /// - Parameter isDead: nil for no task.
    func setTask(_ id: RequestID, isDead: Bool?) async throws {
        try await documents.removeTasks(try await documents.tasks(of: [id]).compactMap(\.self))
        guard let isDead else { return }
        try await queue.enqueue([task(id)])
        if isDead { try await documents.buryTasks([(task: task(id), error: "no")]) }
    }

    /// Moves the sinks' cursors behind what the outbox has.
    func deliver(to sinks: [OutboxSink] = OutboxSink.usual) async throws {
        let (outbox, owner) = (FakeOutboxStore(database: database), UUID())
        for sink in sinks {
            _ = try await outbox.holdShards(of: sink, owner: owner, leaseDuration: .seconds(60))
            let batch = try await outbox.read(sink: sink, owner: owner, limit: .max)
            _ = try await outbox.advance(sink: sink, owner: owner, past: batch)
            try await outbox.releaseShards(of: sink, owner: owner)
        }
    }

    /// Sweeps while the clock is moved on whenever the sweep waits; `beforeMove` comes before each move.
    func sweep(
        _ options: SweepOptions = SweepOptions(), beforeMove: @Sendable () async throws -> Void = {}
    ) async throws -> SweepReport {
        let checker = checker
        return try await withThrowingTaskGroup(of: SweepReport?.self) { group in
            group.addTask { try await checker.runOnce(options) }
            while true {
                group.addTask { [clock] in
                    try await clock.sleepers(atLeast: 1)
                    return nil
                }
                guard let report = try await group.next() else { throw CancellationError() }
                if let report {
                    group.cancelAll()
                    return report
                }
                try await beforeMove()
                clock.advance(by: .seconds(60))
            }
        }
    }
}

/// An id of that time; those of one time are in the order of their numbers.
func requestID(madeAt date: Date, number: Int = 0) -> RequestID {
    let milliseconds = UInt64(date.timeIntervalSince1970 * 1000)
    let words = ((milliseconds << 16 | 0x7000).bigEndian, (0x8000_0000_0000_0000 | UInt64(number)).bigEndian)
    return withUnsafeBytes(of: words) { RequestID(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
}
