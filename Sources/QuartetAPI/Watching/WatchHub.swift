import HTTPTypes
import Logging
import QuartetCore
import ServiceLifecycle
import StoreKit
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
    private let calls: AnalysisCalls
    private let configuration: APIConfiguration
    private let logger: Logger
    private let state = Mutex(State())

    init(ports: APIPorts, calls: AnalysisCalls, configuration: APIConfiguration, logger: Logger) {
        self.ports = ports
        self.calls = calls
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs `body` with the analysis's channel, which goes away with its last watcher.
    func withChannel<Value: Sendable>(
        of id: RequestID, _ body: (WatchChannel) async throws -> Value
    ) async throws -> Value {
        let channel = try enter(id)
        defer { leave(channel) }
        return try await body(channel)
    }

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

    private func enter(_ id: RequestID) throws -> WatchChannel {
        try state.withLock { state in
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
            let channel = WatchChannel(requestID: id, ports: ports, calls: calls, configuration: configuration)
            let loop = Task { [self] in await follow(channel) }
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

    /// Refreshes the channel at each ring of its bell, and from time to time without one.
    private func follow(_ channel: WatchChannel) async {
        let wake = WakeSignal()
        let id = channel.requestID
        await withDiscardingTaskGroup { group in
            group.addTask { [ports] in
                for await _ in ports.progress.rings(of: .progress(id)) { wake.ring() }
            }
            while !Task.isCancelled {
                do {
                    if try await channel.refresh() {
                        retire(channel)
                        break
                    }
                } catch {
                    logger.debug("watched analysis not read", metadata: ["request": "\(id)", "error": "\(error)"])
                }
                await wake.wait(atMost: configuration.watchInterval)
            }
            group.cancelAll()
        }
    }
}
