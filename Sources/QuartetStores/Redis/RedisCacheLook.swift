import ClientSupport
import QuartetCore
import Redis
import Synchronization

/// Finds entries by plain commands in one round trip, which cost the server a fraction of what a script does.
///
/// An entry is good whose epoch begins with the server's replication id: it was written into this very memory. The id changes
/// with every restart and promotion, and whatever makes an entry old replaces it. The server is asked for it in the same round trip,
/// unless it said so a moment ago on the same connection, which does not outlive a restart. What is not found like this, or is
/// to be loaded again early, is for the script to judge.
final class RedisCacheLook: Sendable {
    /// So many fit into one part of a pipeline, with their tags.
    static let readsMax = 256
    /// A server that was made a replica is noticed after so long.
    private static let believedFor: Duration = .milliseconds(100)

    /// Of a clock that can be right: the year 9999.
    private static let secondsMax: Int64 = 253_402_300_799

    /// What the server said of itself.
    private struct Server {
        let id: [UInt8]
        let milliseconds: Int64
        let at: ContinuousClock.Instant

        var now: Int64 { milliseconds + Int64(at.duration(to: .now) / .milliseconds(1)) }
    }

    private let client: RedisClient
    private let keys: RedisKeys
    private let known = Mutex<(connection: UInt64, server: Server)?>(nil)

    init(client: RedisClient, keys: RedisKeys) {
        self.client = client
        self.keys = keys
    }

    /// For each of the reads what was found; nil where a script has to look.
    func hits(of reads: [CacheRead], deadline: Deadline) async throws -> [CacheReply?] {
        let connection = client.connection
        let believed = known.withLock { known in
            known.flatMap { known in
                known.connection == connection && known.server.at.duration(to: .now) < Self.believedFor
                    ? known.server : nil
            }
        }
        var commands: [RedisCommand] = []
        commands.reserveCapacity(reads.count * 2 + 2)
        for read in reads {
            commands.append(RedisCommand("HMGET", keys.cache(read.key), "version", "head", "value"))
            if let tag = read.key.family.tag { commands.append(RedisCommand("GET", keys.cacheTag(tag))) }
        }
        if believed == nil { commands += [RedisCommand("TIME"), RedisCommand("INFO", "replication")] }
        let results = try await client.pipeline(commands, deadline: deadline)
        // All of it came over the connection that there was before and is now.
        let isSame = connection != nil && client.connection == connection
        let server: Server?
        if let believed {
            server = isSame ? believed : nil
        } else {
            server = try Self.server(results.suffix(2))
            if let connection, let server, isSame { known.withLock { $0 = (connection, server) } }
        }
        guard let server else { return reads.map { _ in nil } }
        return hits(of: reads, in: results, server)
    }

    private func hits(
        of reads: [CacheRead], in results: [Result<RedisValue, RedisError>], _ server: Server
    ) -> [CacheReply?] {
        let now = server.now
        var place = 0
        return reads.map { read in
            let fields = try? results[place].get().array()
            place += 1
            var stamp: [UInt8] = []
            if read.key.family.tag != nil {
                let touched = try? results[place].get().bytesIfPresent()
                place += 1
                guard let touched else { return nil }
                stamp = touched
            }
            return fields.flatMap { Self.hit(read, $0, id: server.id, now: now, stamp: stamp) }
        }
    }

    /// - Parameter fields: its version, what its put said of it, and its value.
    private static func hit(
        _ read: CacheRead, _ fields: [RedisValue], id: [UInt8], now: Int64, stamp: [UInt8]
    ) -> CacheReply? {
        guard fields.count == 3, case .bulkString(let versionText) = fields[0], case .bulkString(let head) = fields[1],
            case .bulkString(let value) = fields[2]
        else { return nil }
        let parts = head.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        // Another put or tombstone may have come from a process that writes no head.
        guard parts.count == 5, parts[0].starts(with: id), parts[1].elementsEqual(versionText),
            parts[4].elementsEqual(stamp),
            let version = number(parts[1]), version >= read.versionMin, let expires = number(parts[2]), expires > now,
            let cost = number(parts[3])
        else { return nil }
        if read.wantsLease, Double(now) + Double(cost) * read.earliness >= Double(expires) { return nil }
        // Who finds it loads nothing, unless he does not want it.
        let epoch = read.wantsLease ? "" : String(decoding: parts[0], as: UTF8.self)
        let ticket = CacheTicket(
            epoch: epoch, milliseconds: now, stamp: String(decoding: stamp, as: UTF8.self), lease: "")
        return CacheReply(entry: CacheEntry(version: version, value: value), loader: .nobody, ticket: ticket)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? { Int64(String(decoding: digits, as: UTF8.self)) }

    /// Nil where it is a replica. Reads of one pipeline come before its answers to TIME and INFO.
    private static func server(_ answers: ArraySlice<Result<RedisValue, RedisError>>) throws(RedisError) -> Server? {
        guard let time = try answers.first?.get().array(), let info = try answers.last?.get().bytes(), time.count == 2
        else { return nil }
        var id: [UInt8] = []
        for line in info.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: "role:".utf8), !line.starts(with: "role:master".utf8) { return nil }
            guard line.starts(with: "master_replid:".utf8) else { continue }
            id = Array(line.dropFirst("master_replid:".utf8.count).prefix { $0 != UInt8(ascii: "\r") })
        }
        let (seconds, microseconds) = (try time[0].int(), try time[1].int())
        guard !id.isEmpty, (0...secondsMax).contains(seconds), (0..<1_000_000).contains(microseconds)
        else { return nil }
        return Server(id: id, milliseconds: seconds * 1000 + microseconds / 1000, at: .now)
    }
}
