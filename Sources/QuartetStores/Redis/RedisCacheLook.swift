import QuartetCore
import Redis

/// Finds entries by plain commands in one round trip, which cost the server a fraction of what a script does.
///
/// The last one tells the server's replication id. An entry whose epoch begins with it was written into this very memory: the
/// id changes with every restart and promotion, a connection does not outlive a restart, and whatever makes an entry old
/// replaces it. What this does not find, or what is to be loaded again early, is for the script to judge.
struct RedisCacheLook {
    /// So many fit into one part of a pipeline, with their tags.
    static let readsMax = 256

    let keys: RedisKeys

    func commands(for reads: [CacheRead]) -> [RedisCommand] {
        var commands: [RedisCommand] = []
        commands.reserveCapacity(reads.count * 2 + 2)
        for read in reads {
            commands.append(
                RedisCommand(
                    "HMGET", keys.cache(read.key), "epoch", "version", "value", "nothing", "expires", "stamp", "cost"))
            if let tag = read.key.family.tag { commands.append(RedisCommand("GET", keys.cacheTag(tag))) }
        }
        commands.append(RedisCommand("TIME"))
        commands.append(RedisCommand("INFO", "replication"))
        return commands
    }

    /// For each of the reads what was found; nil where a script has to look.
    func hits(of reads: [CacheRead], in results: [Result<RedisValue, RedisError>]) throws(RedisError) -> [CacheReply?] {
        guard results.count >= 2, let server = Self.primary(try results[results.count - 1].get().bytes()) else {
            return reads.map { _ in nil }
        }
        let now = try Self.milliseconds(results[results.count - 2].get())
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
            return fields.flatMap { Self.hit(read, $0, server: server, now: now, stamp: stamp) }
        }
    }

    private static func hit(
        _ read: CacheRead, _ fields: [RedisValue], server: ArraySlice<UInt8>, now: Int64, stamp: [UInt8]
    ) -> CacheReply? {
        guard fields.count == 7, case .bulkString(let epoch) = fields[0], epoch.starts(with: server),
            let version = try? fields[1].intIfPresent(), version >= read.versionMin,
            let expires = try? fields[4].intIfPresent(), expires > now,
            case .bulkString(let entryStamp) = fields[5], entryStamp == stamp
        else { return nil }
        let value: [UInt8]?
        if case .bulkString(let bytes) = fields[2] { value = bytes } else { value = nil }
        guard value != nil || !fields[3].isNull else { return nil }
        if read.wantsLease {
            let cost = (try? fields[6].intIfPresent()) ?? 0
            guard Double(now) + Double(cost) * read.earliness < Double(expires) else { return nil }
        }
        let ticket = CacheTicket(
            epoch: String(decoding: epoch, as: UTF8.self), milliseconds: now,
            stamp: String(decoding: stamp, as: UTF8.self),
            lease: "")
        return CacheReply(entry: CacheEntry(version: version, value: value), loader: .nobody, ticket: ticket)
    }

    /// The replication id of a server that is no replica.
    private static func primary(_ info: [UInt8]) -> ArraySlice<UInt8>? {
        var id: ArraySlice<UInt8>?
        for line in info.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: "role:".utf8), !line.starts(with: "role:master".utf8) { return nil }
            guard line.starts(with: idName) else { continue }
            let value = line.dropFirst(idName.count)
            id = value.last == UInt8(ascii: "\r") ? value.dropLast() : value
        }
        return id?.isEmpty == false ? id : nil
    }

    private static let idName = Array("master_replid:".utf8)

    private static func milliseconds(_ time: RedisValue) throws(RedisError) -> Int64 {
        let parts = try time.array()
        guard parts.count == 2 else { return .max }
        return try parts[0].int() * 1000 + parts[1].int() / 1000
    }
}
