import ClientSupport
import Logging
import NIOCore
import Synchronization

/// The nodes of a cluster, a client each, and which of them has which slot.
///
/// The map is read at the first call, and again whenever a node says that a slot is elsewhere or does not answer. Redirections are
/// followed a few times; what does not pass by then is an error that may.
final class RedisCluster: Sendable {
    typealias Outcome = Result<RedisValue, RedisError>

    private struct Node {
        let client: RedisClient
        var usedAt: ContinuousClock.Instant
    }

    private struct State {
        var map: ClusterMap?
        var nodes: [RedisAddress: Node] = [:]
        var refresh: Task<RedisError?, Never>?
        var refreshedAt: ContinuousClock.Instant?
        var failure: RedisError?
        var isClosed = false
    }

    /// Nodes that are asked at once where the slots are; the first answer counts.
    private static let askedMax = 5
    /// Between two looks at the map.
    private static let refreshPause: Duration = .milliseconds(100)
    private static let lookTimeout: Duration = .seconds(1)
    /// What left the cluster is let go when nobody has called it for so long.
    private static let unusedMax: Duration = .seconds(60)

    let configuration: RedisConfiguration
    private let settings: RedisClusterSettings
    private let logger: Logger
    private let group: any EventLoopGroup
    private let state = Mutex(State())
    /// Told of the members after each look.
    private let onRefresh = Mutex<(@Sendable (Set<RedisAddress>) -> Void)?>(nil)

    init(
        configuration: RedisConfiguration, settings: RedisClusterSettings, logger: Logger, group: any EventLoopGroup
    ) {
        self.configuration = configuration
        self.settings = settings
        self.logger = logger
        self.group = group
    }

    func notify(_ body: @escaping @Sendable (Set<RedisAddress>) -> Void) {
        onRefresh.withLock { $0 = body }
    }

    /// The client of a node; nil once all is closed.
    func node(at address: RedisAddress) -> RedisClient? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            if let node = state.nodes[address] {
                state.nodes[address]?.usedAt = .now
                return node.client
            }
            var own = configuration
            (own.host, own.port, own.cluster) = (address.host, address.port, nil)
            let client = RedisClient(configuration: own, logger: logger, eventLoopGroup: group)
            state.nodes[address] = Node(client: client, usedAt: .now)
            return client
        }
    }

    func close() async {
        let clients = state.withLock { state in
            state.isClosed = true
            state.refresh?.cancel()
            return state.nodes.values.map(\.client)
        }
        await withTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { await client.close() } }
        }
    }

    // MARK: The map

    /// Where the slots are, looked for where that is not known yet.
    func map() async throws(RedisError) -> ClusterMap {
        if let map = state.withLock({ $0.map }) { return map }
        if let failure = await refreshed() { throw failure }
        guard let map = state.withLock({ $0.map }) else { throw Self.closed }
        return map
    }

    func moved(_ slot: Int, to address: RedisAddress) {
        state.withLock { $0.map?.move(slot, to: address) }
        refreshSoon()
    }

    func reachable(_ announced: RedisAddress, askedAt host: String) -> RedisAddress {
        let address = announced.orHost(host)
        return settings.reachableAt[address] ?? address
    }

    /// Every node that is known, or those to begin with.
    func members() -> [RedisAddress] {
        let known = state.withLock { $0.map?.members ?? [] }
        return known.isEmpty ? seeds : Array(known)
    }

    func refreshSoon() {
        Task { [self] in await refreshed() }
    }

    /// Looks where the slots are, with whoever looks already; not again right after a look.
    @discardableResult
    func refreshed() async -> RedisError? {
        let (running, failure) = state.withLock { state -> (Task<RedisError?, Never>?, RedisError?) in
            guard !state.isClosed else { return (nil, Self.closed) }
            if let running = state.refresh { return (running, nil) }
            if let last = state.refreshedAt, last.duration(to: .now) < Self.refreshPause { return (nil, state.failure) }
            let task = Task { [self] in await look() }
            state.refresh = task
            return (task, nil)
        }
        guard let running else { return failure }
        return await running.value
    }

    private var seeds: [RedisAddress] {
        [RedisAddress(host: configuration.host, port: configuration.port)] + settings.otherNodes
    }

    private func look() async -> RedisError? {
        let known = Set(members() + seeds).shuffled().prefix(Self.askedMax)
        let outcome = await withTaskGroup(of: Result<ClusterMap, RedisError>.self) { group in
            for address in known { group.addTask { [self] in await ask(address) } }
            var failure = Self.closed
            for await result in group {
                switch result {
                case .success:
                    group.cancelAll()
                    return result
                case .failure(let error): failure = error
                }
            }
            return .failure(failure)
        }
        let (unused, members, failure) = state.withLock { state in
            (state.refresh, state.refreshedAt) = (nil, .now)
            switch outcome {
            case .success(let map): (state.map, state.failure) = (map, nil)
            case .failure(let error): state.failure = error
            }
            let members = state.map?.members ?? []
            let unused = state.nodes.filter { address, node in
                state.failure == nil && !members.contains(address)
                    && node.usedAt.duration(to: .now) > Self.unusedMax
            }
            for address in unused.keys { state.nodes[address] = nil }
            return (unused.values.map(\.client), members, state.failure)
        }
        for client in unused { Task { await client.close() } }
        if failure == nil { onRefresh.withLock { $0 }?(members) }
        return failure
    }

    private func ask(_ address: RedisAddress) async -> Result<ClusterMap, RedisError> {
        do {
            guard let node = node(at: address) else { return .failure(Self.closed) }
            let reply = try await node.send(
                RedisCommand("CLUSTER", "SLOTS"), deadline: .after(min(configuration.connectTimeout, Self.lookTimeout)))
            let map = try ClusterMap(slots: reply, askedAt: address.host) { [settings] in settings.reachableAt[$0] ?? $0
            }
            guard map.slotsServed > 0 else {
                throw RedisError(.server("CLUSTERDOWN"), "no node serves any slot", location: "\(address)")
            }
            return .success(map)
        } catch let error as RedisError where error.message.contains("cluster support disabled") {
            return .failure(RedisError(.configuration, "the server is no node of a cluster", location: "\(address)"))
        } catch let error as RedisError {
            return .failure(error)
        } catch {
            return .failure(Self.closed)
        }
    }

    static let closed = RedisError(.closed, "the client is closed")
}
