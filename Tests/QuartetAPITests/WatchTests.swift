import Foundation
import HTTPTypes
import Logging
import QuartetCore
import QuartetTesting
import Synchronization
import Testing

@testable import QuartetAPI

@Suite struct WatchTests {
    /// A submitted request with `count` cards, closed with a result if `isComplete`.
    private func prepare(_ api: APIFixture, cards count: Int, isComplete: Bool) async throws -> RequestID {
        try await api.addReviews(count)
        let id = RequestID.make()
        _ = try await api.requests.submit([Submission(id: id, productID: api.product)])
        let session = AnalysisSession(
            requestID: id, productID: api.product, manifest: (0..<count).map { "r-\($0)" },
            analyzer: AnalyzerIdentity(name: "test", version: "1"))
        _ = try await api.sessions.pin([session])
        let cards = (0..<count).map { APIFixture.card(id, $0) }
        _ = try await api.cards.insert(CardSegment.runs(of: cards))
        if isComplete {
            _ = try await api.requests.finalise([Finalisation(result: Fold.result(of: cards, session: session))])
        }
        return id
    }

    private func events(_ text: String) -> [(name: String, id: String?)] {
        text.components(separatedBy: "\n\n").filter { $0.hasPrefix("event: ") }.map { block in
            let lines = block.components(separatedBy: "\n")
            return (
                String(lines[0].dropFirst(7)),
                lines.first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
            )
        }
    }

    @Test func aFinishedAnalysisIsToldFromItsStart() async throws {
        let api = APIFixture()
        let id = try await prepare(api, cards: 5, isComplete: true)
        try await api.run { caller in
            let answer = try await caller.call(.get, "/v1/analyses/\(id)/events")
            #expect(answer.headers[.contentType] == "text/event-stream")
            let events = events(answer.text)
            #expect(events.map(\.name) == ["card", "card", "card", "card", "card", "end"])
            #expect(events.compactMap(\.id) == ["0", "1", "2", "3", "4"])
            #expect(answer.text.contains(#"data: {"status":"completed"}"#))
        }
    }

    @Test func lastEventIDResumes() async throws {
        let api = APIFixture()
        let id = try await prepare(api, cards: 5, isComplete: true)
        try await api.run { caller in
            let answer = try await caller.call(.get, "/v1/analyses/\(id)/events", headers: ["Last-Event-ID": "2"])
            #expect(events(answer.text).compactMap(\.id) == ["3", "4"])
            let bad = try await caller.call(.get, "/v1/analyses/\(id)/events", headers: ["Last-Event-ID": "x"])
            #expect(bad.problem == "bad-last-event-id")
        }
    }

    /// Before anything is answered, so that the caller sees the status and when to come back.
    @Test(.timeLimit(.minutes(5))) func oneWatcherTooManyIsRefused() async throws {
        var api = APIFixture()
        api.watchersMax = 1
        let fixture = api
        let id = try await prepare(fixture, cards: 1, isComplete: false)
        try await fixture.run { caller in
            let first = Task { try await caller.call(.get, "/v1/analyses/\(id)/events") }
            while fixture.progress.followerCount(of: id) == 0 { await Task.yield() }
            let second = try await caller.call(.get, "/v1/analyses/\(id)/events")
            #expect(second.status == 503 && second.problem == "too-many-watchers")
            #expect(second.headers[.retryAfter] == "5")
            _ = try await fixture.requests.cancel([id])
            try await fixture.progress.report([Progress(requestID: id, done: 0, total: 0, phase: .cancelled)])
            #expect(try await first.value.status == 200)
            #expect(try await caller.call(.get, "/v1/analyses/\(id)/events").status == 200, "its place is free again")
        }
    }

    /// Proxies end what is silent for long.
    @Test(.timeLimit(.minutes(5))) func aStreamIsKeptOpenWhileStoresAreAway() async throws {
        var api = APIFixture()
        api.heartbeatInterval = .milliseconds(1)
        let fixture = api
        let id = try await prepare(fixture, cards: 1, isComplete: false)
        try await fixture.run { caller in
            // Each costs an interval, in which there is time for many heartbeats.
            for _ in 0..<30 { fixture.cards.failNext(.pages, with: Away()) }
            let stream = Task { try await caller.call(.get, "/v1/analyses/\(id)/events").text }
            while fixture.cards.hasFailuresWaiting { await Task.yield() }
            _ = try await fixture.requests.cancel([id])
            let beforeTheCards = try await stream.value.components(separatedBy: "event: card")[0]
            #expect(beforeTheCards.components(separatedBy: ": still here\n\n").count > 3)
        }
    }

    @Test(.timeLimit(.minutes(5))) func aStreamIsKeptOpenWhileAStoreHangs() async throws {
        var api = APIFixture()
        api.heartbeatInterval = .milliseconds(20)
        let cards = HeldCardStore(store: api.cards)
        api.cardReader = cards
        let fixture = api
        let id = try await prepare(fixture, cards: 1, isComplete: false)
        var configuration = APIConfiguration(key: "key")
        configuration.heartbeatInterval = fixture.heartbeatInterval
        let calls = RequestBatchers(ports: fixture.ports, configuration: configuration, observe: nil)
        let hints = CacheHints(
            cache: fixture.cache, calls: calls, directory: ProductDirectory(), configuration: configuration.cache)
        let hub = WatchHub(
            ports: fixture.ports, calls: calls, hints: hints, configuration: Live(configuration),
            logger: Logger(label: "test"))
        let seat = try hub.seat(at: try #require(try await fixture.requests.requests([id])[0]))
        let (_, _, events) = await seat.channel.join()
        try await fixture.progress.report([Progress(requestID: id, done: 1, total: 2)])
        await cards.untilHeld()
        for await event in events {
            if case .silence = event { break }
            if case .cards = event { Issue.record("nobody has read the cards") }
        }
        cards.letGo()
        seat.leave()
    }

    @Test func watchersShareOneReaderAndSeeEveryCard() async throws {
        let api = APIFixture()
        let id = try await prepare(api, cards: 0, isComplete: false)
        let session = AnalysisSession(
            requestID: id, productID: api.product, manifest: [], analyzer: AnalyzerIdentity(name: "test", version: "1"))
        try await api.run { caller in
            let watchers = (0..<5).map { _ in
                Task { try await caller.call(.get, "/v1/analyses/\(id)/events").text }
            }
            // All of them listen through one subscription.
            while api.progress.followerCount(of: id) == 0 { await Task.yield() }
            #expect(api.progress.followerCount(of: id) == 1)
            var cards: [EmotionCard] = []
            for ordinal in 0..<30 {
                let card = APIFixture.card(id, ordinal)
                cards.append(card)
                _ = try await api.cards.insert([CardSegment([card])])
                try await api.progress.report([Progress(requestID: id, done: ordinal + 1, total: 30)])
            }
            _ = try await api.requests.finalise([Finalisation(result: Fold.result(of: cards, session: session))])
            try await api.progress.report([Progress(requestID: id, done: 30, total: 30, phase: .completed)])
            for watcher in watchers {
                let events = events(try await watcher.value)
                #expect(events.compactMap(\.id) == (0..<30).map(String.init))
                #expect(events.last?.name == "end")
            }
        }
        #expect(api.progress.followerCount(of: id) == 0)
    }

    /// The channel of the first generation is kept by a watcher who still catches up with it.
    @Test func whoWatchesARetriedAnalysisIsNotToldTheEndBeforeIt() async throws {
        var api = APIFixture()
        // Only a watcher who has the first of the two cards catches up by one.
        let reader = HeldCatchUp(api.cards, limit: 1)
        api.cardReader = reader
        let id = try await prepare(api, cards: 2, isComplete: false)
        try await api.run { [api] caller in
            let watch = { @Sendable in try await caller.call(.get, "/v1/analyses/\(id)/events").text }
            let first = Task { try await watch() }
            while api.progress.followerCount(of: id) == 0 { await Task.yield() }
            try await api.progress.report([Progress(requestID: id, done: 2, total: 2)])
            while reader.pagesRead < 1 { await Task.yield() }
            // Read once more after the cards were told: the channel's place is behind them.
            try await api.progress.report([Progress(requestID: id, done: 3, total: 3)])
            while reader.pagesRead < 2 { await Task.yield() }
            let slow = Task {
                try await caller.call(.get, "/v1/analyses/\(id)/events", headers: ["Last-Event-ID": "0"]).text
            }
            await reader.waitUntilHeld()
            _ = try await api.requests.fail([RequestFailure(requestID: id, generation: 1, message: "no luck")])
            try await api.progress.report([Progress(requestID: id, done: 2, total: 2, phase: .failed)])
            #expect(try await first.value.contains(#"data: {"status":"failed""#))
            // The channel has ended and listens no more.
            while api.progress.followerCount(of: id) > 0 { await Task.yield() }

            _ = try await api.requests.retry([id])
            let session = try #require(try await api.sessions.sessions([id])[0])
            let cards = (0..<2).map { APIFixture.card(id, $0) }
            _ = try await api.requests.finalise([Finalisation(result: Fold.result(of: cards, session: session))])
            let text = try await watch()
            #expect(text.contains(#"data: {"status":"completed"}"#) && !text.contains("failed"))
            #expect(events(text).compactMap(\.id) == ["0", "1"])
            reader.letGo()
            #expect(events(try await slow.value).compactMap(\.id) == ["1"])
        }
    }

    @Test func cardsBehindAGapWaitForIt() async throws {
        let api = APIFixture()
        let id = try await prepare(api, cards: 0, isComplete: false)
        try await api.run { caller in
            let watcher = Task { try await caller.call(.get, "/v1/analyses/\(id)/events").text }
            while api.progress.followerCount(of: id) == 0 { await Task.yield() }
            for ordinal in [2, 0, 1] { _ = try await api.cards.insert([CardSegment([APIFixture.card(id, ordinal)])]) }
            _ = try await api.requests.fail([RequestFailure(requestID: id, generation: 1, message: "no luck")])
            try await api.progress.report([Progress(requestID: id, done: 3, total: 3, phase: .failed)])
            let text = try await watcher.value
            #expect(events(text).compactMap(\.id) == ["0", "1", "2"])
            #expect(text.contains(#""failure":"no luck""#))
        }
    }

    @Test func statusShowsProgressAndResult() async throws {
        let api = APIFixture()
        let running = try await prepare(api, cards: 3, isComplete: false)
        try await api.run { caller in
            // Redis knows nothing: counted from the session and its cards.
            let answer = try await caller.call(.get, "/v1/analyses/\(running)")
            #expect(answer.json["status"] as? String == "running")
            #expect(answer.json["progress"] as? [String: Int] == ["done": 3, "total": 3])
            try await api.progress.report([Progress(requestID: running, done: 9, total: 12)])
            let again = try await caller.call(.get, "/v1/analyses/\(running)")
            #expect(again.json["progress"] as? [String: Int] == ["done": 9, "total": 12])
        }
        let other = APIFixture()
        let complete = try await prepare(other, cards: 3, isComplete: true)
        try await other.run { caller in
            let answer = try await caller.call(.get, "/v1/analyses/\(complete)")
            #expect(answer.json["status"] as? String == "completed")
            #expect((answer.json["result"] as? [String: Any])?["reviews"] as? Int == 3)
            let latest = try await caller.call(.get, "/v1/products/p-1/analysis")
            #expect(latest.json["request_id"] as? String == complete.description)
            #expect(try await other.cache.get(.analysis(other.product))?.value == Array(latest.text.utf8))
        }
    }

    @Test func cardsComeInPages() async throws {
        let api = APIFixture()
        let id = try await prepare(api, cards: 5, isComplete: false)
        try await api.run { caller in
            let first = try await caller.call(.get, "/v1/analyses/\(id)/cards?limit=2")
            #expect((first.json["cards"] as? [[String: Any]])?.count == 2)
            #expect(first.json["next"] as? Int == 1)
            let rest = try await caller.call(.get, "/v1/analyses/\(id)/cards?after=1")
            #expect((rest.json["cards"] as? [[String: Any]])?.compactMap { $0["ordinal"] as? Int } == [2, 3, 4])
            #expect(rest.json["next"] == nil)
            let unknown = RequestID.make()
            let cards = try await caller.call(.get, "/v1/analyses/\(unknown)/cards")
            #expect(cards.problem == "unknown-analysis")
            let status = try await caller.call(.get, "/v1/analyses/\(unknown)")
            #expect(status.problem == "unknown-analysis")
            let nonsense = try await caller.call(.get, "/v1/analyses/nonsense")
            #expect(nonsense.problem == "bad-analysis-id")
        }
    }

    @Test func readinessNamesTheStoreThatIsMissing() async throws {
        var api = APIFixture()
        api.probes = [
            ReadinessProbe(store: "postgresql", isEssential: true) { _ in },
            ReadinessProbe(store: "redis") { _ in throw Away() },
        ]
        try await api.run { caller in
            let answer = try await caller.call(.get, "/readyz", key: nil)
            #expect(answer.status == 200)
            #expect(answer.json["status"] as? String == "degraded")
            #expect((answer.json["stores"] as? [String: String]) == ["postgresql": "ok", "redis": "not answering"])
            let health = try await caller.call(.get, "/healthz", key: nil)
            #expect(health.status == 200)
            let metrics = try await caller.call(.get, "/metrics", key: nil)
            #expect(metrics.text == "metrics\n")
        }
        api.probes = [ReadinessProbe(store: "postgresql", isEssential: true) { _ in throw Away() }]
        try await api.run { caller in
            let answer = try await caller.call(.get, "/readyz", key: nil)
            #expect(answer.status == 503)
        }
    }
}

@Suite(.timeLimit(.minutes(5))) struct ReadinessTests {
    private func logger(_ lines: LogLines) -> Logger {
        Logger(label: "test") { _ in lines }
    }

    /// Nobody who asks waits for it.
    @Test func aStoreThatHangsIsToldAsItWasKnown() async throws {
        let (held, release) = AsyncStream.makeStream(of: Void.self)
        let isHanging = Mutex(false)
        let probe = ReadinessProbe(store: "redis") { _ in
            if isHanging.withLock({ $0 }) { for await _ in held {} }
        }
        let monitor = ReadinessMonitor(probes: [probe], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(await monitor.missing(within: .seconds(30)).isEmpty)
        isHanging.withLock { $0 = true }
        #expect(await monitor.missing(within: .milliseconds(1)).isEmpty)
        release.finish()
    }

    @Test func eachChangeIsOneLine() async throws {
        let lines = LogLines()
        let isAway = Mutex(false)
        let probe = ReadinessProbe(store: "redis") { _ in if isAway.withLock({ $0 }) { throw Away() } }
        let monitor = ReadinessMonitor(probes: [probe], logger: logger(lines))
        for isGone in [false, false, true, true, true, false, false] {
            isAway.withLock { $0 = isGone }
            #expect(await monitor.missing(within: .seconds(30)) == (isGone ? ["redis"] : []))
        }
        #expect(lines.all == ["store does not answer", "store answers again"])
    }
}

/// Keeps what is logged.
private final class LogLines: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { lines.withLock { $0.append("\(event.message)") } }
}

/// Cards of a store, where the first read of up to `limit` cards waits until it is let go.
private final class HeldCatchUp: CardStore {
    private struct State {
        var pagesRead = 0
        var hasHeld = false
    }

    private let store: FakeCardStore
    private let limit: Int
    private let state = Mutex(State())
    private let (held, hold) = AsyncStream.makeStream(of: Void.self)
    private let (released, release) = AsyncStream.makeStream(of: Void.self)

    init(_ store: FakeCardStore, limit: Int) {
        self.store = store
        self.limit = limit
    }

    /// Reads of the channel's.
    var pagesRead: Int { state.withLock { $0.pagesRead } }

    func waitUntilHeld() async { for await _ in held { return } }
    func letGo() { release.finish() }

    func segments(of request: QuartetCore.RequestID, after: Int?, limit: Int) async throws -> [CardSegment] {
        let isHeld = state.withLock { state in
            guard limit == self.limit, !state.hasHeld else { return false }
            state.hasHeld = true
            return true
        }
        if isHeld {
            hold.yield()
            for await _ in released {}
        }
        return try await store.segments(of: request, after: after, limit: limit)
    }

    func pages(_ places: [CardPlace]) async throws -> [CardPage] {
        state.withLock { $0.pagesRead += 1 }
        return try await store.pages(places)
    }

    func insert(_ segments: [CardSegment]) async throws -> InsertedSegments { try await store.insert(segments) }
    func replace(_ pairs: [(stored: CardSegment, by: CardSegment?)]) async throws { try await store.replace(pairs) }
    func counts(_ ids: [QuartetCore.RequestID]) async throws -> [Int] { try await store.counts(ids) }
}
