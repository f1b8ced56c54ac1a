package import QuartetCore
import Redis

/// The names under which progress, bells and cache entries are in Redis.
///
/// The braces are part of the name: a cluster places a key by what is between them, so that all keys of one script are on one
/// node.
package struct RedisKeys: Sendable, Hashable {
    /// Before every key and channel, `shop-a:` for instance; without braces.
    package let prefix: String
    /// Whether keys are spread over the slots of a cluster.
    package let isCluster: Bool

    package init(prefix: String = "", isCluster: Bool = false) {
        precondition(!prefix.contains { $0 == "{" || $0 == "}" }, "a prefix with braces would decide where keys are")
        self.prefix = prefix
        self.isCluster = isCluster
    }

    /// A task's progress; also the name of the channel on which its reports are published.
    package func progress(_ id: RequestID) -> String { "\(prefix)analysis_progress:{\(id)}" }

    /// Entries of a tag are beside it.
    package func cache(_ key: CacheKey) -> String {
        let id = Self.escaped(key.id)
        guard let tag = key.family.tag else { return "\(prefix)\(key.family.name):{\(id)}" }
        return "\(prefix)\(key.family.name):{\(tag.name)}:\(id)"
    }

    /// When the tag was touched last.
    package func cacheTag(_ tag: CacheTag) -> String { "\(prefix)cache_tag:{\(tag.name)}" }

    /// Says which memory of the server the entry of this name is of. A single server has one for all, each slot of a cluster one
    /// of its own: a node that lost its memory makes what it has old, and nothing else.
    package func cacheEpoch(of name: String) -> String {
        isCluster ? "\(prefix)cache_epoch:{\(RedisSlot.tag(of: RedisSlot.of(name)))}" : "\(prefix)cache_epoch"
    }

    /// The rows of an aging cache. Its other keys are on the same node.
    func aging(_ name: String) -> String { "\(prefix)cache:\(name)" }
    func agingRefreshed(_ name: String) -> String { "{\(aging(name))}:refreshed" }
    func agingTurn(_ name: String) -> String { "{\(aging(name))}:turn" }

    /// The keys of the scripts that read and write an entry.
    func scriptKeys(_ key: CacheKey) -> [String] {
        let name = cache(key)
        return [name, cacheEpoch(of: name)] + (key.family.tag.map { [cacheTag($0)] } ?? [])
    }

    func name(of invalidation: CacheInvalidation) -> String {
        switch invalidation {
        case .entry(let key, _): cache(key)
        case .tag(let tag): cacheTag(tag)
        }
    }

    /// Braces would decide where a cluster places a key.
    static func escaped(_ id: String) -> String {
        guard id.utf8.contains(where: { "{}%".utf8.contains($0) }) else { return id }
        return id.replacing("%", with: "%25").replacing("{", with: "%7B").replacing("}", with: "%7D")
    }

    static func unescaped(_ id: String) -> String {
        id.replacing("%7B", with: "{").replacing("%7D", with: "}").replacing("%25", with: "%")
    }

    package func channel(_ bell: Doorbell) -> String {
        switch bell {
        case .arrivals: "\(prefix)analysis_arrivals"
        case .queue: "\(prefix)analysis_queue"
        case .leases: "\(prefix)analysis_leases"
        }
    }
}
