import Logging
import QuartetCore
import StoreKit

/// What watchers of an analysis are told.
enum WatchEvent: Sendable {
    case progress(Progress)
    /// Consecutive cards, in ordinal order.
    case cards([EmotionCard])
    /// The request is closed and every card has been told.
    case end(AnalysisRequest)
    /// Nothing has happened for a while.
    case silence
}

/// One watched analysis in this process: however many watch it, it is read once for each ring of its bell.
///
/// Cards are told in ordinal order without gaps. A watcher joins at the channel's place; what lies before it, the watcher
/// reads by itself.
actor WatchChannel {
    /// How many events may wait for a slow watcher; then it is let go and reads on from its own place.
    private static let eventsWaitingMax = 64

    let requestID: RequestID
    private let ports: APIPorts
    private let calls: AnalysisCalls
    private let pageMax: Int
    private let heartbeatInterval: Duration
    private var lastTold = ContinuousClock.now
    private var watchers: [Int: AsyncStream<WatchEvent>.Continuation] = [:]
    private var nextWatcher = 0
    private var lastProgress: Progress?
    private(set) var tail = 0
    private(set) var ended: AnalysisRequest?

    init(requestID: RequestID, ports: APIPorts, calls: AnalysisCalls, configuration: APIConfiguration) {
        self.requestID = requestID
        self.ports = ports
        self.calls = calls
        pageMax = configuration.cardsPerPageMax
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
        if let ended {
            continuation.yield(.end(ended))
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

    /// Reads what is new and tells it; returns true once the request is closed and told to its end.
    func refresh() async throws -> Bool {
        async let known = calls.progress(requestID)
        try await tellNewCards()
        let progress = try? await known
        // While progress moves, the request is open. Where it stands still or is not known, PostgreSQL is asked each time:
        // the last report may have been lost.
        let mayBeClosed = progress.map { $0.phase != .running || $0 == lastProgress } ?? true
        let request = mayBeClosed ? try await calls.request(requestID) : nil
        let isClosed = request.map { !$0.status.isOpen } ?? false
        // Cards are stored before a request is closed: read once more, they are all there.
        if isClosed, progress?.total != tail { try await tellNewCards() }
        if let progress, progress.total > 0, progress != lastProgress {
            lastProgress = progress
            tell(.progress(progress))
        }
        guard isClosed, let request else {
            if lastTold.duration(to: .now) > heartbeatInterval { tell(.silence) }
            return false
        }
        ended = request
        tell(.end(request))
        letEveryoneGo()
        return true
    }

    private func tellNewCards() async throws {
        while true {
            let cards = try await ports.cards.cards(of: requestID, after: tail - 1, limit: pageMax)
            let consecutive = cards.enumerated().prefix { $0.element.ordinal == tail + $0.offset }.map(\.element)
            guard !consecutive.isEmpty else { return }
            tail += consecutive.count
            tell(.cards(consecutive))
            guard cards.count == pageMax else { return }
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
