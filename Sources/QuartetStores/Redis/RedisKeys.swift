package import QuartetCore

/// The names under which progress, bells and cache entries are in Redis.
///
/// The braces are part of the name: a cluster places a key by what is between them, so all of a task's or product's keys
/// are on one node.
package struct RedisKeys: Sendable, Hashable {
    /// Before every key and channel, `shop-a:` for instance; without braces.
    package let prefix: String

    package init(prefix: String = "") {
        precondition(!prefix.contains { $0 == "{" || $0 == "}" }, "a prefix with braces would decide where keys are")
        self.prefix = prefix
    }

    /// A task's progress; also the name of the channel on which its reports are published.
    package func progress(_ id: RequestID) -> String { "\(prefix)analysis_progress:{\(id)}" }

    package func cache(_ key: CacheKey) -> String {
        switch key {
        case .analysis(let product): "\(prefix)analysis_cache:{\(product)}"
        case .product(let product): "\(prefix)product_cache:{\(product)}"
        }
    }

    package func channel(_ bell: Doorbell) -> String {
        switch bell {
        case .arrivals: "\(prefix)analysis_arrivals"
        case .queue: "\(prefix)analysis_queue"
        case .leases: "\(prefix)analysis_leases"
        }
    }
}
