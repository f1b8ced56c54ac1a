import Redis

/// What the server does with progress.
enum RedisProgressScripts {
    /// KEYS progress, and channels of the same names; ARGV time to live in milliseconds, then done, total, phase and generation
    /// of each. Publishes "done total phase generation". Returns for each whether anything changed, or the error that it met.
    static let merge = RedisScript(
        """
        local rank = {running = 0, failed = 1, cancelled = 2, completed = 3}
        local function number(text)
            local value = tonumber(text)
            if value and value >= 0 and value <= 2147483648 and value == math.floor(value) then return value end
        end
        local now = redis.call('TIME')
        local updated = now[1] * 1000 + math.floor(now[2] / 1000)
        local function merge(key, done, total, phase, generation)
            local stored = redis.pcall('HMGET', key, 'done', 'total', 'phase', 'generation')
            -- What is no progress gives way.
            if stored.err then
                redis.call('DEL', key)
                stored = {}
            end
            local before = {number(stored[1] or ''), number(stored[2] or ''), stored[3], number(stored[4] or 1)}
            if before[1] and before[2] and rank[before[3] or ''] and before[4] and before[1] <= before[2] then
                done, total = math.max(done, before[1]), math.max(total, before[2])
                if before[4] > generation or (before[4] == generation and (rank[before[3]] or 0) > rank[phase]) then
                    phase, generation = before[3], before[4]
                end
                if done == before[1] and total == before[2] and phase == before[3] and generation == before[4] then
                    redis.call('PEXPIRE', key, ARGV[1])
                    return 0
                end
            end
            redis.call('HSET', key, 'done', done, 'total', total, 'phase', phase,
                'generation', generation, 'updated_at', updated)
            redis.call('PEXPIRE', key, ARGV[1])
            redis.call('PUBLISH', key, string.format('%d %d %s %d', done, total, phase, generation))
            return 1
        end
        local answers = {}
        for i, key in ipairs(KEYS) do
            local at = 4 * i - 2
            local isDone, answer = pcall(
                merge, key, tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3]))
            if isDone then answers[i] = answer
            elseif type(answer) == 'table' then answers[i] = {err = answer.err}
            else answers[i] = redis.error_reply(tostring(answer)) end
        end
        return answers
        """)
}
