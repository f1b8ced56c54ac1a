import ClientSupport
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import QuartetCore
import QuartetTesting
import ServiceLifecycle
import Synchronization
import Testing

@testable import QuartetAPI

/// Watchers who come when much was told already.
@Suite(.timeLimit(.minutes(1))) struct LateWatcherTests {
    private static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func prepare(_ api: APIFixture, cards count: Int) async throws -> QuartetCore.RequestID {
        try await api.addReviews(count)
        let id = QuartetCore.RequestID.make()
        _ = try await api.requests.submit([Submission(id: id, productID: api.product)])
        let session = AnalysisSession(
            requestID: id, productID: api.product, manifest: (0..<count).map { "r-\($0)" },
            analyzer: AnalyzerIdentity(name: "test", version: "1"))
        _ = try await api.sessions.pin([session])
        _ = try await api.cards.insert(CardSegment.runs(of: (0..<count).map { APIFixture.card(id, $0) }))
        return id
    }

    /// It is told no end either, and comes back elsewhere for what it did not see.
    @Test func aProcessThatStopsDoesNotReadOnForThem() async throws {
        var api = APIFixture()
        let cards = StandingCardStore(store: api.cards, pagesMax: 2)
        api.cardReader = cards
        api.watchedCardsMax = 10
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        api.onListening = { port.yield($0) }
        let id = try await prepare(api, cards: 40)
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: api.server)], logger: Self.silence))
        async let running: Void = group.run()
        var listening = ports.makeAsyncIterator()
        let number = try #require(await listening.next())
        // With the first of them the channel comes to the last card; the second one reads what was before.
        let first = try await watch(id, at: number)
        _ = await first.read(until: "id: 39\n")
        let second = try await watch(id, at: number)
        await cards.untilStanding()
        await group.triggerGracefulShutdown()
        let text = await second.readToEnd()
        #expect(text.hasSuffix("0\r\n\r\n"), "not the end of an answer: \(text)")
        #expect(text.contains("id: 9\n") && !text.contains("id: 10\n") && !text.contains("event: end"), "\(text)")
        _ = await first.readToEnd()
        try await running
    }

    private func watch(_ id: QuartetCore.RequestID, at port: Int) async throws -> RawConnection {
        let caller = try await RawConnection.open(port)
        try await caller.send(
            "GET /v1/analyses/\(id)/events HTTP/1.1\r\nHost: t\r\nX-API-Key: \(APIFixture.key)\r\n\r\n")
        return caller
    }

    /// However many there are, they have no more in hand than is allowed.
    @Test(arguments: [1, 3]) func theyReadLittleEachWhereThereAreMany(watchers: Int) async throws {
        var configuration = APIConfiguration(key: "key")
        configuration.watchedCardsMax = 12
        let api = APIFixture()
        let id = try await prepare(api, cards: 1)
        let calls = RequestBatchers(ports: api.ports, configuration: configuration, observe: nil)
        let hints = CacheHints(
            cache: api.cache, calls: calls, directory: ProductDirectory(), configuration: configuration.cache)
        let hub = WatchHub(
            ports: api.ports, calls: calls, hints: hints, configuration: Live(configuration),
            logger: Self.silence)
        let request = try #require(try await api.requests.requests([id])[0])
        let seats = try (0..<watchers).map { _ in try hub.seat(at: request) }
        #expect(hub.cardsOfEachMax == 12 / watchers)
        for seat in seats { seat.leave() }
    }

    /// However many there are, four reads are on the way, and what one of them meets is its own trouble.
    @Test func theyShareReads() async throws {
        var api = APIFixture()
        let id = try await prepare(api, cards: 40)
        let broken = QuartetCore.RequestID.make()
        let cards = CountingCardStore(store: api.cards, broken: broken)
        api.cardReader = cards
        let calls = RequestBatchers(ports: api.ports, configuration: APIConfiguration(key: "key"), observe: nil)
        let watchers = 50
        let told = await withTaskGroup(of: Int?.self) { group in
            for number in 0..<watchers {
                group.addTask {
                    let range = CardRange(requestID: number % 10 == 9 ? broken : id, after: 9, limit: 20)
                    return try? await calls.earlierCards(range).count
                }
            }
            while calls.earlierCards.pending < watchers { await Task.yield() }
            await cards.letGo()
            return await group.reduce(into: []) { $0.append($1) }
        }
        let seen = await cards.counts
        #expect(told.filter { $0 == 20 }.count == watchers * 9 / 10)
        #expect(told.filter { $0 == nil }.count == watchers / 10)
        #expect(seen.atOnce <= 4)
        // The four that came first, and both kinds once in each of the two batches of those who came behind them.
        #expect(seen.all <= 8)
    }

    @Test func whatIsWrittenAtOnceIsLittle() async throws {
        let sizes = Sizes()
        var writer: any ResponseBodyWriter = sizes
        var teller = EventTeller(next: 0)
        let id = QuartetCore.RequestID.make()
        try await teller.tell(.cards((0..<1_000).map { APIFixture.card(id, $0) }), to: &writer)
        #expect(teller.next == 1_000)
        // With the names of a card's event.
        #expect(
            sizes.all.count > 5 && sizes.all.allSatisfy { $0 <= EventTeller.bytesAtOnceMax + 1_024 }, "\(sizes.all)")
    }
}

private final class Sizes: ResponseBodyWriter, Sendable {
    private let sizes = Mutex<[Int]>([])

    var all: [Int] { sizes.withLock { $0 } }

    func write(_ buffer: ByteBuffer) async throws { sizes.withLock { $0.append(buffer.readableBytes) } }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// Cards of which some can be read; then it stands still until the reader has enough.
private final class StandingCardStore: CardStore, Sendable {
    private let store: FakeCardStore
    private let pagesLeft: Mutex<Int>
    private let (standing, stand) = AsyncStream.makeStream(of: Void.self)

    init(store: FakeCardStore, pagesMax: Int) {
        self.store = store
        pagesLeft = Mutex(pagesMax)
    }

    func untilStanding() async { for await _ in standing { return } }

    func segments(of request: QuartetCore.RequestID, after: Int?, limit: Int) async throws -> [CardSegment] {
        let isThere = pagesLeft.withLock { left in
            left -= 1
            return left >= 0
        }
        guard !isThere else { return try await store.segments(of: request, after: after, limit: limit) }
        stand.yield()
        let (never, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        throw CancellationError()
    }

    func pages(_ places: [CardPlace]) async throws -> [CardPage] { try await store.pages(places) }
    func insert(_ segments: [CardSegment]) async throws -> InsertedSegments { try await store.insert(segments) }
    func replace(_ pairs: [(stored: CardSegment, by: CardSegment?)]) async throws { try await store.replace(pairs) }
    func counts(_ ids: [QuartetCore.RequestID]) async throws -> [Int] { try await store.counts(ids) }
}

/// Counts reads, which stand until they are let go.
private actor CountingCardStore: CardStore {
    private let store: FakeCardStore
    private let broken: QuartetCore.RequestID
    private var standing: [CheckedContinuation<Void, Never>]? = []
    private var now = 0
    private(set) var counts = (all: 0, atOnce: 0)

    init(store: FakeCardStore, broken: QuartetCore.RequestID) {
        (self.store, self.broken) = (store, broken)
    }

    func letGo() {
        for reader in standing ?? [] { reader.resume() }
        standing = nil
    }

    func segments(of request: QuartetCore.RequestID, after: Int?, limit: Int) async throws -> [CardSegment] {
        now += 1
        defer { now -= 1 }
        counts = (counts.all + 1, max(counts.atOnce, now))
        if standing != nil { await withCheckedContinuation { standing?.append($0) } }
        guard request != broken else { throw Unreadable() }
        return try await store.segments(of: request, after: after, limit: limit)
    }

    private struct Unreadable: Error {}

    func pages(_ places: [CardPlace]) async throws -> [CardPage] { try await store.pages(places) }
    func insert(_ segments: [CardSegment]) async throws -> InsertedSegments { try await store.insert(segments) }
    func replace(_ pairs: [(stored: CardSegment, by: CardSegment?)]) async throws { try await store.replace(pairs) }
    func counts(_ ids: [QuartetCore.RequestID]) async throws -> [Int] { try await store.counts(ids) }
}
