import ClientSupport
import Foundation
import Redis

/// Redis: its kind, memory and clock; of a cluster, whether it is whole, and each primary.
struct RedisVisit: DoctorVisit {
    let client: RedisClient
    let deadline: @Sendable () -> Deadline

    let subject = "redis"
    let key = "redis.url"

    func lines() async throws -> [DoctorLine] {
        guard client.isCluster else { return try await lines(of: client, subject) }
        let state = try await client.clusterState(deadline: deadline())
        let words =
            "\(state.slotsServed) of \(RedisSlot.count) slots served, by \(state.primaries) primaries of \(state.nodes) nodes"
        var lines: [DoctorLine] = [
            state.isOK
                ? .ok("\(subject) cluster", words)
                : .problem(
                    "\(subject) cluster", words,
                    advice: "look at CLUSTER NODES: start what is down, or give its slots to another node")
        ]
        for node in try await client.primaries() {
            let subject = "\(subject), node \(node.configuration.location)"
            do {
                lines += try await self.lines(of: node, subject)
            } catch {
                lines.append(
                    .problem(
                        subject, "\(error)",
                        advice: "start it, or name in redis.cluster_addresses where it can be reached from here"))
            }
        }
        return lines
    }

    private func lines(of client: RedisClient, _ subject: String) async throws -> [DoctorLine] {
        let info = try await client.send(RedisCommand("INFO"), deadline: deadline()).string()
        let fields = Dictionary(
            info.split(whereSeparator: \.isNewline).compactMap { line -> (String, String)? in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            }, uniquingKeysWith: { first, _ in first })
        let before = Date.now.timeIntervalSince1970
        let time = try await client.send(RedisCommand("TIME"), deadline: deadline()).array()
        let after = Date.now.timeIntervalSince1970
        let used = fields["used_memory"].flatMap(Int.init) ?? 0
        let most = fields["maxmemory"].flatMap(Int.init) ?? 0
        let policy = fields["maxmemory_policy"] ?? "unknown"
        let words =
            "Redis \(fields["redis_version"] ?? "of an unknown version"), \(fields["role"] ?? "?"), "
            + "\(used >> 20) MiB\(most > 0 ? " of \(most >> 20)" : ""), eviction \(policy), "
            + "\(fields["connected_slaves"] ?? "0") replicas"
        var lines: [DoctorLine] = []
        if fields["redis_mode"] == "cluster", !self.client.isCluster {
            lines.append(.problem(subject, words + ", a node of a cluster", advice: "set redis.cluster to true"))
        } else if self.client.isCluster, fields["connected_slaves"] == "0" {
            lines.append(
                .warning(subject, words, advice: "give it a replica: without, its slots are away while it is"))
        } else if fields["role"] == "slave" {
            lines.append(.problem(subject, words, advice: "name the primary in redis.url: a replica takes no writes"))
        } else if fields["loading"] == "1" {
            lines.append(
                .warning(subject, words + ", loading its data", advice: "wait: caches are passed over meanwhile"))
        } else if most > 0, policy == "noeviction", used * 10 > most * 9 {
            lines.append(
                .warning(
                    subject, words,
                    advice:
                        "raise maxmemory, or set maxmemory-policy volatile-lru: a full one takes no progress and no entries"
                ))
        } else if let version = fields["redis_version"], !Self.givesRandomFields(version) {
            lines.append(
                .warning(subject, words, advice: "use Redis 6.2 or later: `/v1/products/random` and the like fail"))
        } else {
            lines.append(.ok(subject, words))
        }
        if time.count == 2, let seconds = try Double(time[0].string()), let micros = try Double(time[1].string()) {
            lines.append(.clock(subject, said: seconds + micros / 1e6, between: before, and: after))
        }
        return lines
    }

    /// `HRANDFIELD`, by which rows of the aging caches are drawn, came with 6.2.
    static func givesRandomFields(_ version: String) -> Bool {
        let parts = version.split(separator: ".").map { Int($0) ?? 0 }
        return !parts.lexicographicallyPrecedes([6, 2])
    }
}
