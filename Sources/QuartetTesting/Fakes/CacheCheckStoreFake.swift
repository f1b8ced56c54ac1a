package import Foundation
package import QuartetCore
import Synchronization

/// What the checker reads and mends of a cache in memory, of the rows behind it, and of keys that hold no entry.
package final class FakeCacheCheckStore: CacheCheckStore {
    package static let progressTTL = Duration.seconds(3600)

    /// A key that holds no entry.
    private struct Other {
        /// Nil: for ever.
        var timeToLive: Duration?
    }

    /// Everything under it is Quartet's.
    package let prefix: String
    private let cache: FakeVersionedCache
    private let database: FakeDatabase
    private let others = Mutex<[[UInt8]: Other]>([:])

    package init(cache: FakeVersionedCache, database: FakeDatabase, prefix: String = "fake:") {
        self.cache = cache
        self.database = database
        self.prefix = prefix
    }

    package func forEachPage(size: Int, _ body: @Sendable ([CachedKey]) async throws -> Void) async throws {
        var rest = all.filter { $0.key.starts(with: prefix.utf8) }.map(\.value)[...]
        while !rest.isEmpty {
            try await body(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
    }

    package func keys(_ names: [[UInt8]]) async throws -> [CachedKey?] {
        let all = all
        return names.map { all[$0] }
    }

    package func rows(of keys: [CacheKey]) async throws -> [(version: Int64, since: Date)?] {
        try database.run(.checkStore) { state, _ in
            keys.map { key in
                guard let product = ProductID(key.id) else { return nil }
                switch key.family {
                case .latestResults:
                    return state.results.values.filter { $0.document.productID == product }.map(\.version).max()
                        .map { ($0, Date(timeIntervalSince1970: Double($0) / 1_000_000)) }
                case .products:
                    return state.products[product].flatMap { row in
                        state.productDates[product].map { (row.version, $0) }
                    }
                default: return nil
                }
            }
        }
    }

    package func expire(_ names: [[UInt8]]) async throws {
        let all = all
        for name in names where all[name]?.expires == false {
            setTimeToLive(of: name, familyTime(of: String(decoding: name, as: UTF8.self)))
        }
    }

    // MARK: What no port does

    package func name(of key: CacheKey) -> [UInt8] {
        Array("\(prefix)\(key.family.name):{\(key.id)}".utf8)
    }

    /// Leaves a key that holds no entry.
    ///
    /// - Parameter timeToLive: nil, for ever.
    package func plant(_ name: [UInt8], timeToLive: Duration?) {
        others.withLock { $0[name] = Other(timeToLive: timeToLive) }
    }

    package func timeToLive(of name: [UInt8]) -> Duration? {
        if let other = others.withLock({ $0[name] }) { return other.timeToLive }
        return cache.contents.first { self.name(of: $0.key) == name }?.value.timeToLive
    }

    package func setTimeToLive(of name: [UInt8], _ timeToLive: Duration?) {
        others.withLock { $0[name]?.timeToLive = timeToLive }
        for key in cache.contents.keys where self.name(of: key) == name { cache.setTimeToLive(of: key, timeToLive) }
    }

    private var all: [[UInt8]: CachedKey] {
        var all: [[UInt8]: CachedKey] = [:]
        for (key, slot) in cache.contents {
            let name = name(of: key)
            all[name] = CachedKey(
                name: name, expires: slot.timeToLive != nil,
                entry: slot.entry.flatMap { $0.value == nil ? nil : (key, $0.version) })
        }
        for (name, other) in others.withLock(\.self) {
            all[name] = CachedKey(name: name, expires: other.timeToLive != nil, entry: nil)
        }
        return all
    }

    private func familyTime(of name: String) -> Duration {
        CacheFamily.all.first { name.hasPrefix("\(prefix)\($0.name):{") }?.timeToLive ?? Self.progressTTL
    }
}
