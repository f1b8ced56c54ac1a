import ClientSupport
import Logging
import QuartetCore

/// What watchers of an analysis are told.
enum WatchEvent: Sendable {
    case progress(Progress)
    /// Consecutive cards, in ordinal order.
    case cards([EmotionCard])
    /// The request is closed and every card has been told.
    case end(RequestStatus, failure: String?)
    /// Nothing has happened for a while.
    case silence
}

/// Why a channel looks again.
enum WatchNews: Sendable {
    /// The request, as it was just read.
    case request(AnalysisRequest)
    case progress(Progress)
    /// Progress may have been reported unheard.
    case mayBeMissed
}

/// One watched analysis in this process: however many watch it, it is read once for each report of its progress.
///
/// Cards are told in ordinal order without gaps. A watcher joins at the channel's place; what lies before it, the watcher
/// reads by itself.
actor WatchChannel {
    /// How many events may wait for a slow watcher; then it is let go and reads on from its own place.
    private static let eventsWaitingMax = 64

    let requestID: RequestID
    private let calls: RequestBatchers
    private let hints: CacheHints
    private let heartbeatInterval: Duration
    private var lastTold = ContinuousClock.now
    private var watchers: [Int: AsyncStream<WatchEvent>.Continuation] = [:]
    private var nextWatcher = 0
    private var lastProgress: Progress?
    private(set) var tail = 0
    private var end: WatchEvent?

    init(
        requestID: RequestID, calls: RequestBatchers, hints: CacheHints, configuration: APIConfiguration
    ) {
        self.requestID = requestID
        self.calls = calls
        self.hints = hints
        heartbeatInterval = configuration.heartbeatInterval
    }

    /// A watcher's stream of what comes from ordinal `start` on. The stream ends after `end`, or when the watcher was
    /// too slow.
    func join() -> (start: Int, id: Int, events: AsyncStream<WatchEvent>) {
        let (events, continuation) = AsyncStream.makeStream(
            of: WatchEvent.self, bufferingPolicy: .bufferingOldest(Self.eventsWaitingMax))
        let id = nextWatcher
        nextWatcher += 1
        if let lastProgress { continuation.yield(.progress(lastProgress)) }
        if let end {
            continuation.yield(end)
            continuation.finish()
        } else {
            watchers[id] = continuation
        }
        return (tail, id, events)
    }

    /// Returns how many still watch.
    func leave(_ id: Int) -> Int {
        watchers.removeValue(forKey: id)?.finish()
        return watchers.count
    }

    func letEveryoneGo() {
        for continuation in watchers.values { continuation.finish() }
        watchers = [:]
    }

    /// Tells what is new; returns true once the request is closed and told to its end.
    ///
    /// - Parameter news: nil: nothing was heard for a while, as where the last report was lost. Then the stores are asked.
    func update(_ news: WatchNews?) async throws -> Bool {
        switch news {
        case .request(let request): return request.status.isOpen ? false : try await close(request)
        case .progress(let progress): return try await take(progress)
        case .mayBeMissed:
            guard let progress = try await calls.progress(requestID) else { return false }
            return try await take(progress)
        case nil:
            if let request = try await calls.request(requestID), !request.status.isOpen {
                return try await close(request)
            }
            let progress = try? await calls.progress(requestID)
            // Where nobody says how many there are, there may be some.
            if progress.map({ $0.done > tail }) ?? true { try await tellNewCards() }
            if let progress { show(progress) }
            return false
        }
    }

    /// Says that the stream is alive where nothing was told for long, whether or not the stores answer.
    func breakSilence() {
        if lastTold.duration(to: .now) > heartbeatInterval { tell(.silence) }
    }

    private func take(_ progress: Progress) async throws -> Bool {
        if progress.done > tail { try await tellNewCards() }
        show(progress)
        switch progress.phase {
        case .running: return false
        // Reported after PostgreSQL had it and the cache was told of it, and final.
        case .completed where progress.total == tail: return finish(.end(.completed, failure: nil))
        case .completed, .failed, .cancelled:
            guard let request = try await calls.request(requestID), !request.status.isOpen else { return false }
            return try await close(request)
        }
    }

    /// Cards are stored before a request is closed: those that are there now are all.
    private func close(_ request: AnalysisRequest) async throws -> Bool {
        try await tellNewCards()
        try await hints.willTellEnd(of: request)
        return finish(.end(request.status, failure: request.failure))
    }

    private func finish(_ event: WatchEvent) -> Bool {
        end = event
        tell(event)
        letEveryoneGo()
        return true
    }

    private func show(_ progress: Progress) {
        // The end has an event of its own.
        guard progress.total > 0, progress.done != lastProgress?.done || progress.total != lastProgress?.total else {
            return
        }
        lastProgress = progress
        tell(.progress(progress))
    }

    /// A channel is where a segment begins, so that channels of different analyses can share a read.
    private func tellNewCards() async throws {
        var hasMore = true
        while hasMore {
            let page = try await calls.cards(CardPlace(requestID, tail))
            hasMore = page.hasMore
            for segment in page.segments {
                guard segment.first == tail, !segment.cards.isEmpty else { return }
                tail = segment.end
                tell(.cards(segment.cards))
            }
        }
    }

    private func tell(_ event: WatchEvent) {
        lastTold = .now
        for (id, continuation) in watchers {
            if case .enqueued = continuation.yield(event) { continue }
            continuation.finish()
            watchers[id] = nil
        }
    }
}
