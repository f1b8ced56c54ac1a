package import Foundation

/// The key of a segment of cards.
package struct CardPosition: Sendable, Hashable {
    package let id: RequestID
    /// Of its first card; nil: behind all of the request's segments.
    package let ordinal: Int?

    package init(id: RequestID, ordinal: Int?) {
        self.id = id
        self.ordinal = ordinal
    }
}

/// Rows of one shard that a sink does not have.
package struct WaitingRows: Sendable, Hashable {
    package static let countMax = 10_000

    package let database: String
    package let sink: OutboxSink
    package let shard: Int
    /// How many, up to ``countMax``.
    package let count: Int
    /// When the oldest of those was written.
    package let oldest: Date
    /// The type of the first of them.
    package let firstType: String

    package init(database: String, sink: OutboxSink, shard: Int, count: Int, oldest: Date, firstType: String) {
        self.database = database
        self.sink = sink
        self.shard = shard
        self.count = count
        self.oldest = oldest
        self.firstType = firstType
    }

    package var key: String { "\(database).\(sink.rawValue)/\(shard)" }
}

/// A row that names one of another database.
package struct ReferenceFacts: Sendable, Hashable {
    package let key: String
    /// What it names.
    package let target: String
    package let version: Int64
    package let changedAt: Date

    package init(key: String, target: String, version: Int64, changedAt: Date) {
        self.key = key
        self.target = target
        self.version = version
        self.changedAt = changedAt
    }
}

/// A key of Redis.
package struct CachedKey: Sendable, Hashable {
    /// With the prefix.
    package let name: [UInt8]
    package let expires: Bool
    /// The entry that it holds; nil for tombstones and for what is no cache entry.
    package let entry: (key: CacheKey, version: Int64)?

    package init(name: [UInt8], expires: Bool, entry: (key: CacheKey, version: Int64)?) {
        self.name = name
        self.expires = expires
        self.entry = entry
    }

    package static func == (left: CachedKey, right: CachedKey) -> Bool {
        left.name == right.name && left.expires == right.expires && left.entry?.key == right.entry?.key
            && left.entry?.version == right.entry?.version
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
