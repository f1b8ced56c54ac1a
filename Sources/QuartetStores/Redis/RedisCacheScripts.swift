import QuartetCore
import Redis

/// What the server does with a cache entry. An entry is a hash of
///
/// - `epoch`: of which memory of the server it is;
/// - `version`, of the entry or of the tombstone in its place;
/// - `value`, or `nothing` where there is known to be none, until the time `expires`; neither in a tombstone;
/// - `at`: when the look began by which a value was loaded;
/// - `older`, `older_version`, `older_at`: the value that a tombstone took the place of, and when;
/// - `stamp`: when its tag had been touched last;
/// - `cost`: the milliseconds that its load took;
/// - `head`: epoch, version, expiry, cost and stamp of a value, for those who read it without a script;
/// - `lease` and `lease_until`: who loads it.
///
/// The time is the server's, in milliseconds. An epoch begins with the server's replication id, which is another one after
/// every restart and promotion, so what a snapshot, a backup or a replica that lagged brings back is of another epoch; the
/// rest is random and lost with the memory.
enum RedisCacheScripts {
    /// KEYS[1] entry, KEYS[2] the epoch, KEYS[3] its tag if it has one. Leaves `now`, `epoch`, `stamp`, `mistyped`, and in `f`
    /// what the entry has of `fields`; removes what is of another epoch or is no entry.
    private static func prelude(_ fields: String) -> String {
        clock("2") + """
            local stamp = ''
            if KEYS[3] then
                stamp = redis.pcall('GET', KEYS[3])
                if type(stamp) ~= 'string' then
                    -- It may have been lost alone: no entry from before has this one.
                    stamp = 'lost-' .. time[1] .. '-' .. time[2]
                    redis.pcall('SET', KEYS[3], stamp, 'PX', 86400000)
                end
            end
            local mistyped = 0
            local f = redis.pcall('HMGET', KEYS[1], 'epoch', \(fields))
            if f.err or f[1] ~= epoch then
                if f.err then mistyped = 1 end
                if f.err or f[1] or f[2] then redis.pcall('DEL', KEYS[1]) end
                f = {}
            end

            """
    }

    /// Leaves `now`, `digits`, `isNewer` and the epoch, which is at this one of the keys.
    private static func clock(_ epochKey: String) -> String {
        """
        local replication = redis.call('INFO', 'replication')
        if string.find(replication, 'role:slave', 1, true) then
            return redis.error_reply('READONLY a replica is no cache')
        end
        local server = string.match(replication, 'master_replid:(%x+)') or 'none'
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local function digits(number) return string.format('%.0f', number) end
        local epoch = redis.pcall('GET', KEYS[\(epochKey)])
        if type(epoch) ~= 'string' or string.sub(epoch, 1, #server) ~= server then
            epoch = server .. '-' .. time[1] .. '-' .. time[2]
            redis.pcall('SET', KEYS[\(epochKey)], epoch, 'PX', 86400000)
        end
        -- Lua's numbers are exact up to 2^53 only, so digits are compared: the longer number is the larger.
        local function isNewer(a, b) return #a > #b or (#a == #b and a > b) end

        """
    }

    private static let lookFields =
        "'version', 'value', 'nothing', 'expires', 'stamp', 'cost', 'lease', 'lease_until', 'at', 'older', "
        + "'older_version', 'older_at'"

    /// ARGV: the least version that counts; a lease to take or ''; its milliseconds; how early to load again; for how many
    /// milliseconds an entry may be old. Returns who loads, the epoch, the time, the stamp, whether the key was of another type,
    /// version and value of an entry, and of one that is old for how many milliseconds it is.
    ///
    /// One whose tag was touched is taken to be old since it was loaded.
    static let get = RedisScript(
        prelude(lookFields) + """
            local expires = tonumber(f[5] or 0)
            local isEntry = f[2] and (f[3] or f[4]) and expires > now and f[6] == stamp and not isNewer(ARGV[1], f[2])
            local isLeased = f[8] and tonumber(f[9] or 0) > now
            local loader = 'nobody'
            if ARGV[2] ~= '' and not (isEntry and now + tonumber(f[7] or 0) * tonumber(ARGV[4]) < expires) then
                if isLeased then
                    if not isEntry then loader = 'another' end
                else
                    loader = 'reader'
                    redis.pcall('HSET', KEYS[1], 'epoch', epoch, 'lease', ARGV[2], 'lease_until', digits(now + ARGV[3]))
                    if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.pcall('PEXPIRE', KEYS[1], ARGV[3]) end
                end
            end
            if isEntry then return {loader, epoch, digits(now), stamp, mistyped, f[2], f[3]} end
            local version, value, since = f[12], f[11], f[13]
            if f[3] and expires > now then version, value, since = f[2], f[3], f[10] end
            local staleMax = tonumber(ARGV[5])
            if value and since and staleMax > 0 and now - since <= staleMax and not isNewer(ARGV[1], version) then
                return {loader, epoch, digits(now), stamp, mistyped, version, value, digits(now - since)}
            end
            return {loader, epoch, digits(now), stamp, mistyped}
            """)

    /// ARGV: version; value; whether there is one; milliseconds to live; the ticket's epoch, time, stamp and lease; how old a
    /// ticket may be. Returns whether it was stored, and whether the key was of another type.
    static let put = RedisScript(
        prelude("'version', 'lease'") + """
            if f[3] and f[3] == ARGV[8] then redis.call('HDEL', KEYS[1], 'lease', 'lease_until') end
            if ARGV[5] ~= epoch or ARGV[7] ~= stamp or now - ARGV[6] >= tonumber(ARGV[9]) then return {0, mistyped} end
            if f[2] and isNewer(f[2], ARGV[1]) then return {0, mistyped} end
            local expires, cost = digits(now + ARGV[4]), digits(math.max(now - ARGV[6], ARGV[4] / 1000))
            redis.call('HDEL', KEYS[1], 'value', 'nothing', 'head', 'at', 'older', 'older_version', 'older_at')
            if ARGV[3] == '1' then
                local head = table.concat({epoch, ARGV[1], expires, cost, stamp}, ' ')
                redis.call('HSET', KEYS[1], 'value', ARGV[2], 'head', head, 'at', ARGV[6])
            else
                redis.call('HSET', KEYS[1], 'nothing', 1)
            end
            redis.call('HSET', KEYS[1], 'version', ARGV[1], 'epoch', epoch, 'stamp', stamp, 'expires', expires, 'cost', cost)
            -- An entry that lives for less than the tombstone that it replaces leaves that behind.
            if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
            redis.pcall('PEXPIRE', KEYS[2], 86400000)
            return {1, mistyped}
            """)

    /// Larger values do not outlive what replaces them.
    private static let olderBytesMax = 64 * 1024

    /// KEYS[1] the epoch, then entries; ARGV: milliseconds to live, then a version for each entry. Leaves a tombstone in place of
    /// each older entry. Returns for each whether its key was of another type, or the error that it met.
    static let bury =
        clock("1") + """
            local answers = {}
            for i = 2, #KEYS do
                local key, version, mistyped = KEYS[i], ARGV[i], 0
                local f = redis.pcall('HMGET', key, 'epoch', 'version', 'value', 'nothing')
                if f.err or f[1] ~= epoch then
                    if f.err then mistyped = 1 end
                    if f.err or f[1] or f[2] then redis.pcall('DEL', key) end
                    f = {}
                end
                local done = {}
                if not f[2] or isNewer(version, f[2]) then
                    if f[3] or f[4] then redis.pcall('HDEL', key, 'value', 'nothing', 'head', 'at') end
                    if f[3] and #f[3] <= \(olderBytesMax) then
                        -- A convenience: where there is no room for it, it is not kept.
                        redis.pcall('HSET', key, 'older', f[3], 'older_version', f[2], 'older_at', digits(now))
                    end
                    done = redis.pcall('HSET', key, 'epoch', epoch, 'version', version)
                    if type(done) ~= 'table' then done = redis.pcall('PEXPIRE', key, ARGV[1]) end
                end
                if type(done) == 'table' and done.err then answers[i - 1] = done else answers[i - 1] = mistyped end
            end
            return answers
            """

    /// KEYS[1] tag; ARGV: a stamp that no other one is like; milliseconds to live. What deletes first may write also where
    /// memory is full.
    static let touch = """
        redis.call('DEL', KEYS[1])
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 0
        """
}
