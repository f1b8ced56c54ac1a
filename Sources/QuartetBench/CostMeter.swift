import Foundation
import Mongo
import Postgres
import QuartetDatabases
import QuartetMigrations
import QuartetService
import QuartetStores
import Redis

/// What a phase of the bench spent: CPU time by process, and what each store was asked for.
struct CostMeter: Sendable {
    let clients: StoreClients

    /// Counters that only grow.
    struct Reading: Sendable {
        fileprivate var cpu: [String: (user: Double, system: Double)] = [:]
        fileprivate var mongo: [String: Double] = [:]
        fileprivate var postgres: [String: Double] = [:]
        fileprivate var redis: [String: Double] = [:]
    }

    func read() async throws -> Reading {
        var reading = Reading()
        reading.cpu = Self.cpuSeconds()
        let status = try await clients.mongo.runCommand(["serverStatus": 1], database: "admin")
        for name in ["insert", "query", "update", "delete", "getmore", "command"] {
            reading.mongo[name] = Double(status["opcounters"]?.asDocument?[name]?.asInt ?? 0)
        }
        for name in ["inserted", "returned", "updated", "deleted"] {
            let documents = status["metrics"]?.asDocument?["document"]?.asDocument
            reading.mongo["documents_\(name)"] = Double(documents?[name]?.asInt ?? 0)
        }
        reading.mongo["requests"] = Double(status["network"]?.asDocument?["numRequests"]?.asInt ?? 0)
        reading.postgres = try await readPostgres()
        let info = try await clients.redis.send(RedisCommand("INFO", "stats")).string()
        for line in info.split(whereSeparator: \.isNewline) {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2, ["total_commands_processed", "total_net_input_bytes"].contains(pair[0]) else {
                continue
            }
            reading.redis[String(pair[0])] = Double(pair[1])
        }
        return reading
    }

    private func readPostgres() async throws -> [String: Double] {
        let database = try clients.databases.client(of: clients.configuration.tables[.analysisRequests].database)
        let names = ["xact_commit", "tup_inserted", "tup_updated", "tup_deleted", "blks_hit", "blks_read"]
        let sums = names.map { "sum(\($0))::float8" }.joined(separator: ", ")
        let row = try await database.query(PostgresStatement("SELECT \(sums) FROM pg_stat_database", name: "cost"))
            .single()
        return try Dictionary(
            uniqueKeysWithValues: names.enumerated().map { ($0.element, try row.decode($0.offset, as: Double.self)) })
    }

    /// Between two readings, of so many analyses.
    static func cost(_ phase: String, of analyses: Int, from start: Reading, to end: Reading) -> PhaseCost {
        func perAnalysis(_ before: [String: Double], _ after: [String: Double]) -> [String: Double] {
            after.reduce(into: [:]) { figures, counter in
                let spent = counter.value - (before[counter.key] ?? 0)
                figures[counter.key] = (spent / Double(analyses) * 1000).rounded() / 1000
            }
        }
        var cpu: [String: PhaseCost.CPU] = [:]
        for (name, after) in end.cpu {
            let before = start.cpu[name] ?? (0, 0)
            let (user, system) = (after.user - before.user, after.system - before.system)
            guard user + system >= 0.05 else { continue }
            let scale = 1000 / Double(analyses)
            cpu[name] = .init(
                user: (user * scale * 1000).rounded() / 1000, system: (system * scale * 1000).rounded() / 1000)
        }
        return PhaseCost(
            phase: phase, analyses: analyses, cpuSecondsPer1000: cpu,
            mongodbPerAnalysis: perAnalysis(start.mongo, end.mongo),
            postgresqlPerAnalysis: perAnalysis(start.postgres, end.postgres),
            redisPerAnalysis: perAnalysis(start.redis, end.redis))
    }

    /// The servers' settings that decide what their figures mean.
    func settings() async throws -> [String: String] {
        let status = try await clients.mongo.runCommand(["serverStatus": 1], database: "admin")
        let cache = status["wiredTiger"]?.asDocument?["cache"]?.asDocument?["maximum bytes configured"]?.asInt ?? 0
        var settings = ["mongodb_cache_megabytes": "\(cache / 1_048_576)"]
        for name in ["shared_buffers", "synchronous_commit", "fsync", "wal_compression"] {
            settings["postgresql_\(name)"] = try await clients.databases.client(
                of: clients.configuration.tables[.analysisRequests].database
            )
            .query(PostgresStatement("SELECT current_setting('\(name)')", name: "setting")).single().decode(0)
        }
        return settings
    }

    // MARK: Processes

    /// Seconds of this process and of all that it started, by what they are.
    private static func cpuSeconds() -> [String: (user: Double, system: Double)] {
        var processes: [Int: (parent: Int, name: String, user: Double, system: Double)] = [:]
        // Of this process's children that have ended: the roles of earlier phases.
        var ended = (user: 0.0, system: 0.0)
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = Int(entry), let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")")
            else { continue }
            let fields = stat[stat.index(after: close)...].split(separator: " ")
            guard fields.count > 15, let parent = Int(fields[1]) else { continue }
            let name = String(stat[stat.index(after: open)..<close])
            // PostgreSQL's server counts for its sessions that have ended.
            let counted = name == "postgres" ? [[11, 13], [12, 14]] : [[11], [12]]
            let ticks = counted.map { $0.reduce(0) { $0 + (Double(fields[$1]) ?? 0) } }
            let perSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
            if pid == Int(getpid()) {
                ended = ((Double(fields[13]) ?? 0) / perSecond, (Double(fields[14]) ?? 0) / perSecond)
            }
            processes[pid] = (parent, name, ticks[0] / perSecond, ticks[1] / perSecond)
        }
        let own = Int(getpid())
        func isOurs(_ pid: Int) -> Bool {
            var pid = pid
            while pid > 1, pid != own { pid = processes[pid]?.parent ?? 0 }
            return pid == own
        }
        return processes.reduce(into: ["roles": ended]) { sums, process in
            guard isOurs(process.key) else { return }
            let name = process.key == own ? "callers_and_floor" : Self.name(of: process.key, process.value.name)
            let sum = sums[name] ?? (0, 0)
            sums[name] = (sum.user + process.value.user, sum.system + process.value.system)
        }
    }

    private static func name(of pid: Int, _ command: String) -> String {
        guard command.hasPrefix("quartet") else {
            return ["postgres": "postgresql", "java": "kafka"][command] ?? command
        }
        let arguments = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
        return arguments.split(separator: "\0").contains("run") ? "roles" : "broker"
    }
}

/// What one phase cost.
package struct PhaseCost: Codable, Sendable {
    package struct CPU: Codable, Sendable {
        package let user: Double
        package let system: Double
    }

    package let phase: String
    package let analyses: Int
    package let cpuSecondsPer1000: [String: CPU]
    package let mongodbPerAnalysis: [String: Double]
    package let postgresqlPerAnalysis: [String: Double]
    package let redisPerAnalysis: [String: Double]

    private enum CodingKeys: String, CodingKey {
        case phase, analyses
        case cpuSecondsPer1000 = "cpu_seconds_per_1000"
        case mongodbPerAnalysis, postgresqlPerAnalysis, redisPerAnalysis
    }

    /// For people.
    package var lines: [String] {
        let processes = cpuSecondsPer1000.sorted { $0.value.user + $0.value.system > $1.value.user + $1.value.system }
        let total = processes.reduce(0) { $0 + $1.value.user + $1.value.system }
        func figure(_ value: Double) -> String { String(format: "%.3f", value) }
        let cpu = processes.map { "\($0.key) \(figure($0.value.user + $0.value.system))" }.joined(separator: ", ")
        func counters(_ figures: [String: Double]) -> String {
            figures.filter { $0.value >= 0.01 }.sorted { $0.value > $1.value }.map { "\($0.key) \(figure($0.value))" }
                .joined(separator: ", ")
        }
        return [
            "\(phase): \(figure(total)) CPU s per 1,000 analyses: \(cpu)",
            "   mongodb per analysis: \(counters(mongodbPerAnalysis))",
            "   postgresql per analysis: \(counters(postgresqlPerAnalysis))",
            "   redis per analysis: \(counters(redisPerAnalysis))",
        ]
    }
}
