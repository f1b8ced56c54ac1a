package import ClientSupport
import NIOCore

/// What a cluster says of itself.
package struct RedisClusterState: Sendable, Equatable {
    /// Whether it takes calls.
    package var isOK = false
    package var slotsServed = 0
    package var primaries = 0
    package var nodes = 0

    /// - Parameter info: what CLUSTER INFO answers.
    init(info: String) {
        for line in info.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "cluster_state": isOK = parts[1] == "ok"
            case "cluster_slots_ok": slotsServed = Int(parts[1]) ?? 0
            case "cluster_size": primaries = Int(parts[1]) ?? 0
            case "cluster_known_nodes": nodes = Int(parts[1]) ?? 0
            default: break
            }
        }
    }
}

extension RedisClient {
    /// Whether slots are on several nodes. Then commands of one pipeline that are of several keys run in any order.
    package var isCluster: Bool { cluster != nil }

    /// A client of each primary of the cluster; of a single server, this one.
    package func primaries() async throws(RedisError) -> [RedisClient] {
        guard let cluster else { return [self] }
        return try await cluster.map().primaries.compactMap { cluster.node(at: $0) }
    }

    /// As one node sees it.
    package func clusterState(deadline: Deadline? = nil) async throws -> RedisClusterState {
        RedisClusterState(info: try await send(RedisCommand("CLUSTER", "INFO"), deadline: deadline).string())
    }

    /// Every primary answers, and says that the cluster takes calls.
    func checkCluster(deadline: Deadline?) async throws {
        let nodes = try await primaries()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in nodes {
                    group.addTask {
                        let state = try await node.clusterState(deadline: deadline)
                        guard !state.isOK else { return }
                        throw RedisError(
                            .server("CLUSTERDOWN"), "\(state.slotsServed) of \(RedisSlot.count) slots are served",
                            location: node.configuration.location)
                    }
                }
                try await group.waitForAll()
            }
        } catch {
            cluster?.refreshSoon()
            throw error
        }
    }
}

extension RedisCluster {
    /// Where subscriptions can be made: at any node.
    func socketAddresses() throws -> [SocketAddress] {
        refreshSoon()
        let found = members().shuffled().flatMap { (try? HostAddresses.resolved($0.host, $0.port)) ?? [] }
        guard found.isEmpty else { return found }
        throw RedisError(.connect, "cannot connect: no node of the cluster has an address")
    }
}
