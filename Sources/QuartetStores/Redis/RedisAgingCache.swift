import ClientSupport
import Foundation
package import QuartetCore
package import Redis

/// Aging caches in Redis: `cache:NAME`, a hash from ids to rows; `{cache:NAME}:refreshed`, when they were put there, in
/// milliseconds of the server's clock; `{cache:NAME}:turn`, while somebody has the turn. All expire.
package struct RedisAgingCache: AgingCacheStore {
    private let client: RedisClient
    private let keys: RedisKeys
    private let timeout: Duration
    /// Who has a turn that was taken here: one that took longer than it lasts is another's by then.
    private let holder = UUID().uuidString

    /// - Parameter timeout: of a read; a whole turn may take longer.
    package init(client: RedisClient, keys: RedisKeys = RedisKeys(), timeout: Duration = .milliseconds(250)) {
        self.client = client
        self.keys = keys
        self.timeout = timeout
    }

    package func takeTurn(of cache: String, for interval: Duration) async throws -> Duration? {
        let left = try await client.eval(
            Self.take, keys: [keys.agingTurn(cache)], args: [interval.wholeMilliseconds, holder]
        ).int()
        return left > 0 ? .milliseconds(left) : nil
    }

    package func giveUpTurn(of cache: String) async throws {
        _ = try await client.eval(Self.giveUp, keys: [keys.agingTurn(cache)], args: [holder])
    }

    package func replace(_ rows: [AgingRow], of cache: String, life: Duration) async throws {
        _ = try await client.eval(
            Self.replace, keys: [keys.aging(cache), keys.agingRefreshed(cache)],
            args: [life.wholeMilliseconds] as [any RedisArgument]
                + rows.flatMap { [$0.id, $0.json] as [any RedisArgument] })
    }

    package func random(_ count: Int, of cache: String) async throws -> (rows: [AgingRow], age: Duration)? {
        let commands = [
            RedisCommand("HRANDFIELD", keys.aging(cache), count, "WITHVALUES"),
            RedisCommand("GET", keys.agingRefreshed(cache)),
            RedisCommand("TIME").beside(keys.aging(cache)),
        ]
        let replies = try await client.pipeline(commands, deadline: .after(timeout))
        let fields = try replies[0].get().array()
        guard !fields.isEmpty, let refreshed = try replies[1].get().stringIfPresent().flatMap(Int64.init) else {
            return nil
        }
        let rows = try stride(from: 0, to: fields.count - 1, by: 2).map {
            AgingRow(id: try fields[$0].string(), json: try fields[$0 + 1].bytes())
        }
        let time = try replies[2].get().array()
        guard time.count == 2, let seconds = Int64(try time[0].string()), let micros = Int64(try time[1].string())
        else { return (rows, .zero) }
        return (rows, max(.zero, .milliseconds(seconds * 1000 + micros / 1000 - refreshed)))
    }

    package func state(of cache: String) async throws -> AgingCacheState {
        let commands = [
            RedisCommand("HLEN", keys.aging(cache)), RedisCommand("MEMORY", "USAGE", keys.aging(cache), "SAMPLES", 0),
            RedisCommand("GET", keys.agingRefreshed(cache)), RedisCommand("PTTL", keys.agingTurn(cache)),
        ]
        let replies = try await client.pipeline(commands)
        let refreshed = try replies[2].get().stringIfPresent().flatMap(Double.init)
        return AgingCacheState(
            rows: Int(try replies[0].get().int()), bytes: Int(try replies[1].get().intIfPresent() ?? 0),
            refreshedAt: refreshed.map { Date(timeIntervalSince1970: $0 / 1000) },
            nextTurn: .milliseconds(max(0, try replies[3].get().int())))
    }

    package func clear(_ cache: String) async throws {
        _ = try await client.del([keys.aging(cache), keys.agingRefreshed(cache), keys.agingTurn(cache)])
    }

    /// A turn that lasts longer than one was taken before the server's clock was set back, or by another measure.
    private static let take = RedisScript(
        """
        local left = redis.call('PTTL', KEYS[1])
        if left > 0 and left <= tonumber(ARGV[1]) then return left end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])
        return 0
        """)

    private static let giveUp = RedisScript(
        "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0")

    /// Readers have the rows before or those after.
    private static let replace = RedisScript(
        """
        redis.call('DEL', KEYS[1], KEYS[2])
        if #ARGV < 3 then return 0 end
        for first = 2, #ARGV, 500 do
            redis.call('HSET', KEYS[1], unpack(ARGV, first, math.min(first + 499, #ARGV)))
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        local time = redis.call('TIME')
        redis.call('SET', KEYS[2], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), 'PX', ARGV[1])
        return #ARGV
        """)
}
