import ClientSupport
package import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases
package import Redis

/// What the checker reads of Quartet's keys in Redis, and of the rows behind cache entries in PostgreSQL.
package struct RedisCacheCheckStore: CacheCheckStore {
    private let client: RedisClient
    private let keys: RedisKeys
    private let cache: RedisCacheConfiguration
    private let progress: RedisProgressConfiguration
    /// By family.
    private let rowStatements: [CacheFamily: StoreStatement]

    /// - Parameters: the configurations of the ports whose keys are looked at.
    package init(
        client: RedisClient, cache: RedisCacheConfiguration, progress: RedisProgressConfiguration, databases: Databases
    ) throws {
        self.client = client
        keys = cache.keys
        self.cache = cache
        self.progress = progress
        let statements = try databases.statements(in: .check())
        rowStatements = try CacheFamily.all.reduce(into: [:]) { found, family in
            if let name = family.rowStatement { found[family] = try statements.named(name) }
        }
    }

    package func forEachPage(size: Int, _ body: @Sendable ([CachedKey]) async throws -> Void) async throws {
        for try await page in client.scan(matching: Self.escaped(keys.prefix) + "*", pageSize: size) {
            let own = page.filter(isOwn)
            guard !own.isEmpty else { continue }
            try await body(keys(own).compactMap { $0 })
        }
    }

    package func keys(_ names: [[UInt8]]) async throws -> [CachedKey?] {
        let cacheKeys = names.map(keys.cacheKey)
        let epochNames = cacheKeys.map { $0.map { keys.cacheEpoch(of: keys.cache($0)) } }
        let distinct = Array(Set(epochNames.compactMap(\.self)))
        var commands = distinct.map { RedisCommand("GET", $0) }
        for (name, key) in zip(names, cacheKeys) {
            commands.append(RedisCommand("PTTL", name))
            if key != nil { commands.append(RedisCommand("HMGET", name, "version", "value", "epoch")) }
        }
        var replies = try await client.pipeline(commands).makeIterator()
        var epochs: [String: RedisValue] = [:]
        for name in distinct { epochs[name] = try replies.next()?.get() }
        return try names.indices.map { index in
            let name = names[index]
            guard let reply = replies.next() else { return nil }
            let ttl = try reply.get().int()
            var entry: (key: CacheKey, version: Int64)?
            if let key = cacheKeys[index], let reply = replies.next() {
                // A key of another type is no entry of ours.
                let fields = (try? reply.get().array()) ?? []
                let epoch = epochNames[index].flatMap { epochs[$0] }
                // What is of another memory of the server is shown to nobody.
                if fields.count == 3, fields[2].isNull || fields[2] == epoch, key.family.rowStatement != nil,
                    let version = try? fields[0].intIfPresent(), !fields[1].isNull
                {
                    entry = (key, version)
                }
            }
            return ttl == Self.isAbsent ? nil : CachedKey(name: name, expires: ttl >= 0, entry: entry)
        }
    }

    package func rows(of cacheKeys: [CacheKey]) async throws -> [(version: Int64, since: Date)?] {
        guard !cacheKeys.isEmpty else { return [] }
        let ids = Dictionary(grouping: cacheKeys, by: \.family).mapValues { Array(Set($0.map(\.id))) }
        var rows: [CacheKey: (version: Int64, since: Date)] = [:]
        for (family, ids) in ids {
            guard let statement = rowStatements[family] else { continue }
            for row in try await statement.runAlone(ids) {
                let (id, version, since) = try row.decode(String.self, Int64.self, Date.self)
                rows[CacheKey(family: family, id: id)] = (version, since)
            }
        }
        return cacheKeys.map { rows[$0] }
    }

    package func expire(_ names: [[UInt8]]) async throws {
        let commands = names.map { name in
            RedisCommand("EVAL", Self.expireEternal, 1, name, timeToLive(of: name).wholeMilliseconds)
        }
        for result in try await client.pipeline(commands) { _ = try result.get() }
    }

    /// KEYS[1] key; ARGV time to live in milliseconds. What was given a time of its own meanwhile, as a tombstone is,
    /// keeps that.
    private static let expireEternal = """
        if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
        """

    /// PTTL's answer where there is no key.
    private static let isAbsent: Int64 = -2

    /// With a prefix of its own, everything under it is Quartet's; without one, what has the names of its families.
    private func isOwn(_ name: [UInt8]) -> Bool {
        !keys.prefix.isEmpty || keys.cacheKey(name) != nil || keys.isProgress(name)
    }

    private func timeToLive(of name: [UInt8]) -> Duration {
        keys.cacheKey(name).map { cache.timeToLive(of: $0.family) } ?? progress.ttl
    }

    /// The prefix as a glob that stands for itself.
    private static func escaped(_ prefix: String) -> String {
        prefix.reduce(into: "") { glob, character in
            if "*?[]\\".contains(character) { glob.append("\\") }
            glob.append(character)
        }
    }
}

extension RedisKeys {
    /// The cache entry that a key holds by its name, nil for other keys.
    func cacheKey(_ name: [UInt8]) -> CacheKey? {
        for family in CacheFamily.all {
            guard
                let id = family.tag.map({ rest(name, after: "\(family.name):{\($0.name)}:") })
                    ?? tag(name, family: family.name)
            else { continue }
            let text = RedisKeys.unescaped(String(decoding: id, as: UTF8.self))
            // Not of our making otherwise.
            guard RedisKeys.escaped(text).utf8.elementsEqual(id) else { return nil }
            // Entries with versions are of products.
            return family.rowStatement == nil || ProductID(text) != nil ? CacheKey(family: family, id: text) : nil
        }
        return nil
    }

    func isProgress(_ name: [UInt8]) -> Bool { tag(name, family: "analysis_progress") != nil }

    private func tag(_ name: [UInt8], family: String) -> ArraySlice<UInt8>? {
        guard let rest = rest(name, after: "\(family):{"), rest.count > 1, rest.last == UInt8(ascii: "}") else {
            return nil
        }
        return rest.dropLast()
    }

    private func rest(_ name: [UInt8], after begin: String) -> ArraySlice<UInt8>? {
        let begin = Array((prefix + begin).utf8)
        return name.count > begin.count && name.starts(with: begin) ? name[begin.count...] : nil
    }
}
