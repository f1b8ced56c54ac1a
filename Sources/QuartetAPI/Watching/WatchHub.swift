import ClientSupport
import HTTPTypes
import Logging
import QuartetCore
import QuartetHTTP
import ServiceLifecycle
import Synchronization

/// The watched analyses of this process. A channel lives while somebody watches.
final class WatchHub: Service {
    private struct State {
        var channels: [RequestID: Entry] = [:]
        var watchers = 0
        var isClosed = false
    }

    private struct Entry {
        let channel: WatchChannel
        let loop: Task<Void, Never>
        var watchers: Int
    }

    private let ports: APIPorts
    private let calls: RequestBatchers
    private let hints: CacheHints
    private let settings: Live<APIConfiguration>
    private var configuration: APIConfiguration { settings.now }
    private let logger: Logger
    private let state = Mutex(State())

    init(
        ports: APIPorts, calls: RequestBatchers, hints: CacheHints, configuration: Live<APIConfiguration>,
        logger: Logger
    ) {
        self.ports = ports
        self.calls = calls
        self.hints = hints
        settings = configuration
        self.logger = logger
    }

    /// A watcher's place at an analysis's channel, which goes away with its last watcher. Whoever lets go of it leaves.
    final class Seat: Sendable {
        let channel: WatchChannel
        private let hub: WatchHub
        private let isTaken = Mutex(true)

        fileprivate init(_ channel: WatchChannel, hub: WatchHub) {
            self.channel = channel
            self.hub = hub
        }

        deinit { leave() }

        func leave() {
            let wasTaken = isTaken.withLock { isTaken in
                defer { isTaken = false }
                return isTaken
            }
            if wasTaken { hub.leave(channel) }
        }
    }

    /// - Parameter request: as it was just read.
    /// - Throws: a 503 problem where no more can watch.
    func seat(at request: AnalysisRequest) throws -> Seat { Seat(try enter(request), hub: self) }

    /// Ends every stream on shutdown; callers come back to another process with `Last-Event-ID`.
    func run() async throws {
        try? await gracefulShutdown()
        let channels = state.withLock { state in
            state.isClosed = true
            return state.channels.values.map(\.channel)
        }
        for channel in channels { await channel.letEveryoneGo() }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// How many cards a watcher has in hand at most: with all others no more than are allowed.
    var cardsOfEachMax: Int {
        let watchers = state.withLock { $0.watchers }
        return max(1, min(configuration.cardsPerPageMax, configuration.watchedCardsMax / max(1, watchers)))
    }

    private func enter(_ request: AnalysisRequest) throws -> WatchChannel {
        let id = request.id
        return try state.withLock { state in
            guard !state.isClosed else {
                throw Problem(.serviceUnavailable, "shutting-down", "this process stops", retryAfterSeconds: 1)
            }
            guard state.watchers < configuration.watchersMax else {
                throw Problem(
                    .serviceUnavailable, "too-many-watchers",
                    "\(configuration.watchersMax) streams are open already", retryAfterSeconds: 5)
            }
            state.watchers += 1
            if var entry = state.channels[id] {
                entry.watchers += 1
                state.channels[id] = entry
                return entry.channel
            }
            let channel = WatchChannel(
                requestID: id, calls: calls, hints: hints, configuration: configuration)
            let loop = Task { [self] in await follow(channel, from: request) }
            state.channels[id] = Entry(channel: channel, loop: loop, watchers: 1)
            return channel
        }
    }

    private func leave(_ channel: WatchChannel) {
        let id = channel.requestID
        state.withLock { state in
            state.watchers -= 1
            guard var entry = state.channels[id], entry.channel === channel else { return }
            entry.watchers -= 1
            if entry.watchers == 0 {
                entry.loop.cancel()
                state.channels[id] = nil
            } else {
                state.channels[id] = entry
            }
        }
    }

    /// Who watches from now on gets a channel of its own: what has ended may be tried again.
    private func retire(_ channel: WatchChannel) {
        state.withLock { state in
            guard state.channels[channel.requestID]?.channel === channel else { return }
            state.channels[channel.requestID] = nil
        }
    }

    /// Brings the channel up to date at each report of progress, and from time to time without one.
    private func follow(_ channel: WatchChannel, from request: AnalysisRequest) async {
        let latest = LatestNews()
        await withDiscardingTaskGroup { group in
            group.addTask { [ports] in
                for await progress in ports.progress.reports(of: request.id) {
                    latest.put(progress.map(WatchNews.progress) ?? .mayBeMissed)
                }
            }
            group.addTask { [configuration] in
                // Beside the reading, since a store may keep that waiting; until cancelled.
                let interval = configuration.heartbeatInterval
                while (try? await ContinuousClock().sleep(until: .now.advanced(by: interval))) != nil {
                    await channel.breakSilence()
                }
            }
            var news: WatchNews? = .request(request)
            while !Task.isCancelled {
                do {
                    if try await channel.update(news) {
                        retire(channel)
                        break
                    }
                } catch {
                    logger.debug(
                        "watched analysis not read", metadata: ["request": "\(request.id)", "error": "\(error)"])
                }
                news = await latest.next(atMost: configuration.watchInterval)
            }
            group.cancelAll()
        }
    }
}

/// The latest news of one analysis, until its channel has time for it.
private final class LatestNews: Sendable {
    private let news = Mutex<WatchNews?>(nil)
    private let wake = WakeSignal()

    func put(_ latest: WatchNews) {
        news.withLock { $0 = latest }
        wake.ring()
    }

    /// Nil where none comes before `timeout` passes.
    func next(atMost timeout: Duration) async -> WatchNews? {
        await wake.wait(atMost: timeout)
        return news.withLock { $0.take() }
    }
}
