package import ClientSupport

/// The commands that are used often enough for a signature of their own. Each throws as `send`.
extension RedisClient {
    /// Returns when the server answers; of a cluster, when it is whole and every primary answers.
    package func ping(deadline: Deadline? = nil) async throws {
        if isCluster { return try await checkCluster(deadline: deadline) }
        _ = try await send(RedisCommand("PING"), deadline: deadline)
    }

    package func get(_ key: String, deadline: Deadline? = nil) async throws -> [UInt8]? {
        try await send(RedisCommand("GET", key), deadline: deadline).bytesIfPresent()
    }

    /// The values in the keys' order, nil where there is none.
    package func mget(_ keys: [String], deadline: Deadline? = nil) async throws -> [[UInt8]?] {
        guard !keys.isEmpty else { return [] }
        if isCluster, keys.count > 1 {
            return try await pipeline(keys.map { RedisCommand("GET", $0) }, deadline: deadline).map {
                try $0.get().bytesIfPresent()
            }
        }
        let values = try await send(RedisCommand("MGET", arguments: keys), deadline: deadline).array()
        return try values.map { try $0.bytesIfPresent() }
    }

    /// Sets `key`, for the time `px` (whole milliseconds, at least 1) where given. False if it was there already and
    /// `onlyIfAbsent` is asked for.
    @discardableResult
    package func set(
        _ key: String, _ value: some RedisArgument, px: Duration? = nil, onlyIfAbsent: Bool = false,
        deadline: Deadline? = nil
    ) async throws -> Bool {
        var command = RedisCommand("SET", key, value)
        if let px {
            command.append("PX")
            command.append(max(1, px.wholeMilliseconds))
        }
        if onlyIfAbsent { command.append("NX") }
        return try await !send(command, deadline: deadline).isNull
    }

    /// Removes keys and returns how many there were.
    @discardableResult
    package func del(_ keys: [String], deadline: Deadline? = nil) async throws -> Int {
        guard !keys.isEmpty else { return 0 }
        if isCluster, keys.count > 1 {
            return try await pipeline(keys.map { RedisCommand("DEL", $0) }, deadline: deadline).reduce(0) {
                $0 + Int(try $1.get().int())
            }
        }
        return try await Int(send(RedisCommand("DEL", arguments: keys), deadline: deadline).int())
    }

    /// A hash's fields and values; empty if there is none.
    package func hgetall(_ key: String, deadline: Deadline? = nil) async throws -> [String: [UInt8]] {
        try await send(RedisCommand("HGETALL", key), deadline: deadline).map()
    }

    /// Publishes to `channel` and returns how many subscribers of this server it reached.
    @discardableResult
    package func publish(
        _ payload: some RedisArgument, to channel: String, deadline: Deadline? = nil
    ) async throws -> Int {
        try await Int(send(RedisCommand("PUBLISH", channel, payload), deadline: deadline).int())
    }

    /// All keys that match the glob `pattern`, page by page, of all primaries. A page may be empty and a key may come twice, as
    /// with SCAN.
    package func scan(matching pattern: String? = nil, pageSize: Int = 500) -> RedisScan {
        precondition(pageSize > 0, "a page holds at least one key")
        return RedisScan(client: self, pattern: pattern, pageSize: pageSize)
    }
}

/// Pages of keys, as bytes. Iterating throws as `send`; each page has a deadline of its own.
package struct RedisScan: AsyncSequence, Sendable {
    fileprivate let client: RedisClient
    fileprivate let pattern: String?
    fileprivate let pageSize: Int

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let scan: RedisScan
        /// Servers that are left, the one that is asked first; nil before the first page.
        private var servers: ArraySlice<RedisClient>?
        private var cursor = "0"

        fileprivate init(scan: RedisScan) {
            self.scan = scan
        }

        package mutating func next() async throws -> [[UInt8]]? {
            let left = if let servers { servers } else { try await scan.client.primaries()[...] }
            servers = left
            guard let server = left.first else { return nil }
            var command = RedisCommand("SCAN", cursor, "COUNT", scan.pageSize)
            if let pattern = scan.pattern {
                command.append("MATCH")
                command.append(pattern)
            }
            let reply = try await server.send(command).array()
            guard reply.count == 2 else { throw RedisError(.decoding, "expected a cursor and keys") }
            cursor = try reply[0].string()
            // It has returned to its beginning.
            if cursor == "0" { servers = left.dropFirst() }
            return try reply[1].array().map { try $0.bytes() }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(scan: self) }
}
