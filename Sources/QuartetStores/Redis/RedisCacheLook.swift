import ClientSupport
import QuartetCore
import Redis
import Synchronization

/// Finds an entry by one plain command, which costs the server a fraction of what a script does.
///
/// An entry is good whose epoch begins with the server's replication id: it was written into this very memory. The id changes
/// with every restart and promotion, and whatever makes an entry old replaces it. The server is asked for it beside one of the
/// reads, and believed for a moment on the same connection, which does not outlive a restart. What is not found like this, or is
/// to be loaded again early, is for the script to judge.
final class RedisCacheLook: Sendable {
    /// A server that was made a replica is noticed after so long.
    private static let believedFor: Duration = .milliseconds(100)
    /// One reader asks again before that, so that the others need not.
    private static let askedAgainAfter: Duration = .milliseconds(50)

    /// Of a clock that can be right: the year 9999.
    private static let secondsMax: Int64 = 253_402_300_799

    /// What the server said of itself.
    private struct Server {
        let id: [UInt8]
        let milliseconds: Int64
        let at: ContinuousClock.Instant

        func milliseconds(at instant: ContinuousClock.Instant) -> Int64 {
            milliseconds + Int64(at.duration(to: instant) / .milliseconds(1))
        }
    }

    private struct Known {
        let connection: UInt64
        let server: Server
        /// Somebody is on the way to ask again.
        var isAsked = false
    }

    private let client: RedisClient
    private let keys: RedisKeys
    private let known = Mutex<Known?>(nil)

    init(client: RedisClient, keys: RedisKeys) {
        self.client = client
        self.keys = keys
    }

    /// What was found; nil where the script has to look.
    ///
    /// - Throws: `RedisError` where the server does not answer, `CancellationError`.
    func hit(_ read: CacheRead, deadline: Deadline) async throws -> CacheReply? {
        guard let connection = client.connection else { return nil }
        let now = ContinuousClock.now
        let fields = RedisCommand("HMGET", keys.cache(read.key), "version", "head", "value")
        let tag = read.key.family.tag.map { RedisCommand("GET", keys.cacheTag($0)) }
        var believed = believed(over: connection, at: now)
        let found: RedisValue
        var stamp: [UInt8]? = []
        if believed != nil, tag == nil {
            let value = try await answer { try await client.send(fields, deadline: deadline) }
            guard let value else { return nil }
            found = value
        } else {
            var commands = [fields]
            if let tag { commands.append(tag) }
            if believed == nil { commands += [RedisCommand("TIME"), RedisCommand("INFO", "replication")] }
            let results = try await client.pipeline(commands, deadline: deadline)
            guard let value = try await answer({ try results[0].get() }) else { return nil }
            found = value
            if tag != nil { stamp = try await answer { try results[1].get() }?.bytesIfPresent() }
            if believed == nil, let time = try await answer({ try results[results.count - 2].get() }),
                let info = try await answer({ try results[results.count - 1].get() })
            {
                believed = Self.server(time: time, info: info)
                if let believed, client.connection == connection {
                    known.withLock { $0 = Known(connection: connection, server: believed) }
                }
            }
        }
        // All of it came over the connection that there was before and is now.
        guard let server = believed, let stamp, case .array(let values) = found, client.connection == connection
        else { return nil }
        return Self.hit(read, values, id: server.id, now: server.milliseconds(at: now), stamp: stamp)
    }

    /// Nil where the server answers that it will not.
    private func answer(_ ask: () async throws -> RedisValue) async throws -> RedisValue? {
        do {
            return try await ask()
        } catch let error as RedisError {
            guard case .server = error.code else { throw error }
            return nil
        }
    }

    /// What the server said a moment ago; nil for one reader now and then, who is to ask again.
    private func believed(over connection: UInt64, at now: ContinuousClock.Instant) -> Server? {
        known.withLock { known in
            guard let present = known, present.connection == connection else { return nil }
            let age = present.server.at.duration(to: now)
            guard age < Self.believedFor else { return nil }
            if age > Self.askedAgainAfter, !present.isAsked {
                known?.isAsked = true
                return nil
            }
            return present.server
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
    private static func server(time: RedisValue, info: RedisValue) -> Server? {
        guard let time = try? time.array(), let info = try? info.bytes(), time.count == 2 else { return nil }
        var id: [UInt8] = []
        for line in info.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: "role:".utf8), !line.starts(with: "role:master".utf8) { return nil }
            guard line.starts(with: "master_replid:".utf8) else { continue }
            id = Array(line.dropFirst("master_replid:".utf8.count).prefix { $0 != UInt8(ascii: "\r") })
        }
        guard !id.isEmpty, let seconds = try? time[0].int(), let microseconds = try? time[1].int(),
            (0...secondsMax).contains(seconds), (0..<1_000_000).contains(microseconds)
        else { return nil }
        return Server(id: id, milliseconds: seconds * 1000 + microseconds / 1000, at: .now)
    }
}
