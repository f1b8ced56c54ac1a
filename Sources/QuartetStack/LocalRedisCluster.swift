import ClientSupport
package import Foundation
import Logging
import Redis

/// A private Redis Cluster: primaries that share the slots, and replicas of the first of them.
package final class LocalRedisCluster: Sendable {
    package let primaries: [RedisServer]
    package let replicas: [RedisServer]
    private let options: StackOptions

    /// - Parameter nodeTimeout: after which a node that is silent is taken for dead.
    package init(
        directory: URL, primaries count: Int = 3, replicas replicaCount: Int = 0, nodeTimeout: Duration = .seconds(15),
        options: StackOptions = .fast
    ) throws {
        self.options = options
        let milliseconds = Int(nodeTimeout / .milliseconds(1))
        var servers: [RedisServer] = []
        for number in 0..<(count + replicaCount) {
            let arguments = [
                "--cluster-enabled", "yes", "--cluster-node-timeout", "\(milliseconds)",
                "--cluster-port", "\(try LoopbackPort.free())",
            ]
            servers.append(
                RedisServer(
                    directory: directory.appendingPathComponent("node-\(number)"), options: options,
                    arguments: arguments))
        }
        primaries = Array(servers[..<count])
        replicas = Array(servers[count...])
    }

    /// Names all of its nodes.
    package var url: String { "redis://" + nodes.map { "127.0.0.1:\($0.port)" }.joined(separator: ",") }

    package var nodes: [RedisServer] { primaries + replicas }

    /// Returns when it takes calls.
    package func start() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in nodes { group.addTask { try await node.start() } }
                try await group.waitForAll()
            }
            try await form(deadline: .after(options.startTimeout))
        } catch {
            await stop()
            throw error
        }
    }

    package func stop() async {
        await withTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { await node.kill() } }
        }
    }

    // MARK: Slots

    /// Opens a slot: from here on `source` has some of its keys and `target` the others.
    package func open(_ slot: Int, from source: RedisServer, to target: RedisServer) async throws {
        let (from, to) = (try await id(of: source), try await id(of: target))
        try await call(target, "CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", from)
        try await call(source, "CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", to)
    }

    /// Moves some of an open slot's keys.
    package func moveKeys(
        of slot: Int, from source: RedisServer, to target: RedisServer, atMost count: Int = 1000
    ) async throws {
        let keys = try await call(source, "CLUSTER", "GETKEYSINSLOT", "\(slot)", "\(count)").array()
        guard !keys.isEmpty else { return }
        let names = try keys.map { try $0.string() }
        try await call(source, ["MIGRATE", "127.0.0.1", "\(target.port)", "", "0", "5000", "KEYS"] + names)
    }

    /// Says that the slot is the target's.
    package func close(_ slot: Int, to target: RedisServer) async throws {
        let id = try await id(of: target)
        for node in [target] + primaries.filter({ $0 !== target }) {
            try await call(node, "CLUSTER", "SETSLOT", "\(slot)", "NODE", id)
        }
    }

    // MARK: Parts

    private func form(deadline: Deadline) async throws {
        let first = primaries[0]
        if try await state(of: first).isOK { return }
        for (place, primary) in primaries.enumerated() {
            let (start, end) = (
                RedisSlot.count * place / primaries.count, RedisSlot.count * (place + 1) / primaries.count - 1
            )
            try await call(primary, "CLUSTER", "SET-CONFIG-EPOCH", "\(place + 1)")
            try await call(primary, "CLUSTER", "ADDSLOTSRANGE", "\(start)", "\(end)")
        }
        for node in nodes.dropFirst() {
            let bus = try await call(node, "CONFIG", "GET", "cluster-port").array()[1].string()
            try await call(first, "CLUSTER", "MEET", "127.0.0.1", "\(node.port)", bus)
        }
        try await wait(deadline) { $0.isWhole(nodes: nodes.count) }
        for replica in replicas { try await call(replica, "CLUSTER", "REPLICATE", try await id(of: first)) }
        for replica in replicas {
            while try await !call(replica, "INFO", "replication").string().contains("master_link_status:up") {
                try await pause(deadline)
            }
        }
        try await wait(deadline) { $0.isOK }
    }

    /// Until all nodes see what `isSeen` asks for.
    private func wait(
        _ deadline: Deadline, until isSeen: (RedisClusterState) -> Bool
    ) async throws {
        for node in nodes {
            while try await !isSeen(state(of: node)) { try await pause(deadline) }
        }
    }

    private func pause(_ deadline: Deadline) async throws {
        guard !deadline.isPast else { throw StackError(code: .timedOut, message: "the Redis Cluster does not form") }
        try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
    }

    private func state(of node: RedisServer) async throws -> RedisClusterState {
        try await with(node) { try await $0.clusterState() }
    }

    private func id(of node: RedisServer) async throws -> String { try await call(node, "CLUSTER", "MYID").string() }

    @discardableResult
    private func call(_ node: RedisServer, _ words: String...) async throws -> RedisValue {
        try await call(node, words)
    }

    @discardableResult
    private func call(_ node: RedisServer, _ words: [String]) async throws -> RedisValue {
        try await with(node) { try await $0.send(RedisCommand(words[0], arguments: Array(words.dropFirst()))) }
    }

    private func with<Value>(_ node: RedisServer, _ body: (RedisClient) async throws -> Value) async throws -> Value {
        let silence = Logger(label: "redis") { _ in SwiftLogNoOpLogHandler() }
        let client = RedisClient(
            configuration: RedisConfiguration(host: "127.0.0.1", port: Int(node.port)), logger: silence)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }
}

extension RedisClusterState {
    fileprivate func isWhole(nodes count: Int) -> Bool { isOK && nodes == count && slotsServed == RedisSlot.count }
}
