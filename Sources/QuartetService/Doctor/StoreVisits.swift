import ClientSupport
import Foundation
import Mongo
import QuartetStores
import Redis

/// MongoDB: its server or replica set, and the collections.
struct MongoVisit: DoctorVisit {
    let client: MongoClient
    let deadline: @Sendable () -> Deadline

    let subject = "mongodb"
    let key = "mongodb.url"

    func lines() async throws -> [DoctorLine] {
        let before = Date.now.timeIntervalSince1970
        let hello = try await client.runCommand(["hello": 1], database: "admin", deadline: deadline())
        let after = Date.now.timeIntervalSince1970
        let version = try await client.runCommand(["buildInfo": 1], database: "admin", deadline: deadline())["version"]
        let set = hello["setName"]?.asString
        let words =
            "MongoDB \(version?.asString ?? "of an unknown version"), \(set.map { "replica set \($0)" } ?? "no replica set")"
        var lines: [DoctorLine] = []
        if set == nil, hello["msg"]?.asString != "isdbgrid" {
            lines.append(
                .warning(
                    subject, words,
                    advice: "make it a replica set, of three members where nothing may be lost with one machine"))
        } else {
            lines.append(.ok(subject, words))
        }
        if case .date(let milliseconds)? = hello["localTime"] {
            lines.append(.clock(subject, said: Double(milliseconds) / 1000, between: before, and: after))
        }
        if set != nil { lines += await members() }
        return try await lines + collections()
    }

    private func members() async -> [DoctorLine] {
        guard
            let status = try? await client.runCommand(["replSetGetStatus": 1], database: "admin", deadline: deadline()),
            case .array(let members)? = status["members"]
        else {
            return [.ok("\(subject), members", "not shown to this user, who lacks clusterMonitor")]
        }
        return members.compactMap { value in
            guard case .document(let member) = value else { return nil }
            let name = member["name"]?.asString ?? "unnamed"
            let state = member["stateStr"]?.asString ?? "in an unknown state"
            return member["health"]?.asDouble == 1 && ["PRIMARY", "SECONDARY", "ARBITER"].contains(state)
                ? .ok("\(subject), member \(name)", state)
                : .warning(
                    "\(subject), member \(name)", state,
                    advice: "start it, or look into its log: the set goes on without it only while most are there")
        }
    }

    private func collections() async throws -> [DoctorLine] {
        let needed = [
            MongoTaskQueue.collectionName, MongoSessionStore.collectionName, MongoCardStore.collectionName,
            MongoKeywordStore.collectionName, MongoReviewStore.collectionName,
        ]
        let reply = try await client.runCommand(
            ["listCollections": 1, "nameOnly": true, "cursor": ["batchSize": 10_000]], deadline: deadline())
        guard case .document(let cursor)? = reply["cursor"], case .array(let batch)? = cursor["firstBatch"] else {
            return []
        }
        let present = Set(
            batch.compactMap { value -> String? in
                guard case .document(let collection) = value else { return nil }
                return collection["name"]?.asString
            })
        return needed.map { name in
            // The others come with their first document.
            name != MongoTaskQueue.collectionName || present.contains(name)
                ? .ok("collection \(name)", present.contains(name) ? "there" : "not there yet")
                : .problem("collection \(name)", "not there", advice: "run `quartet migrate`")
        }
    }
}

/// Redis: its kind, memory and clock.
struct RedisVisit: DoctorVisit {
    let client: RedisClient
    let deadline: @Sendable () -> Deadline

    let subject = "redis"
    let key = "redis.url"

    func lines() async throws -> [DoctorLine] {
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
        if fields["redis_mode"] == "cluster" {
            lines.append(
                .problem(subject, words + ", a node of a cluster", advice: "name a single server in redis.url"))
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
