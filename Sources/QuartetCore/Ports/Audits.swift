package import Foundation

/// What the checker reads of requests and results beyond ``RequestStore``, in chunks by key, and mends.
///
/// Reads come in key order and see what is committed; what mends is safe to repeat, and changes only rows that are
/// still as the call says.
package protocol RequestAudit: Sendable {
    /// Up to `limit` requests of the stretch.
    func requests(in range: KeyRange, limit: Int) async throws -> [RequestFacts]

    /// Up to `limit` results of the stretch.
    func results(in range: KeyRange, limit: Int) async throws -> [ResultFacts]

    /// Up to `limit` results of the stretch, with their documents.
    func documents(in range: KeyRange, limit: Int) async throws -> [ResultDocument]

    /// The results of these ids with their documents, nil where there is none.
    func documents(of ids: [RequestID]) async throws -> [ResultDocument?]

    /// Up to `limit` requests behind `after` and before `start`, in the order of their keys, that were opened again by
    /// transactions not older than that, as far as the outbox remembers.
    func reopened(
        since transaction: UInt64, behind after: RequestID, before start: RequestID, limit: Int
    ) async throws -> [RequestID]

    /// Removes results whose requests are not completed, or are not there. Returns the ids whose result went.
    func removeUncompletedResults(_ ids: [RequestID]) async throws -> [RequestID]

    /// Puts these in place of the results of completed requests, or adds them, and tells so by an event. A result that is
    /// already so stays.
    func replaceResults(_ results: [AnalysisResult]) async throws

    /// Removes the results of these completed requests and opens the requests again in their next generation, with the
    /// event that queues them. Those that are not in that generation stay as they are.
    func runAgain(_ requests: [(id: RequestID, generation: Int)]) async throws
}

/// What the checker reads of tasks, sessions, cards and keyword details, in chunks by key, and mends.
package protocol DocumentAudit: Sendable {
    /// Up to `limit` tasks of the stretch.
    func tasks(in range: KeyRange, limit: Int) async throws -> [TaskFacts]

    func tasks(of ids: [RequestID]) async throws -> [TaskFacts?]

    /// Up to `limit` requests of the stretch that have a session.
    func sessions(in range: KeyRange, limit: Int) async throws -> [RequestID]

    /// Which of these have a session.
    func haveSessions(_ ids: [RequestID]) async throws -> [Bool]

    /// Up to `limit` cards behind `position`, those of requests up to `through`, in key order.
    func cards(after position: CardPosition, through: RequestID, limit: Int) async throws -> [EmotionCard]

    /// Up to `limit` keys of cards as ``cards(after:through:limit:)``, for who needs no more.
    func cardKeys(after position: CardPosition, through: RequestID, limit: Int) async throws -> [CardPosition]

    /// Removes tasks that are still as given.
    func removeTasks(_ tasks: [TaskFacts]) async throws

    /// Leaves a dead task for each of these, in place of one of the same or an earlier generation.
    func buryTasks(_ burials: [(task: AnalysisTask, error: String)]) async throws

    func removeSessions(_ ids: [RequestID]) async throws

    /// Removes each request's cards from an ordinal on.
    func removeCards(_ cards: [(id: RequestID, from: Int)]) async throws

    /// Up to `limit` keyword details of the stretch.
    func keywordDetails(in range: KeyRange, limit: Int) async throws -> [KeywordDetails]

    /// The requests of ``keywordDetails(in:limit:)``, for who needs no more.
    func keywordDetailsKeys(in range: KeyRange, limit: Int) async throws -> [RequestID]

    func removeKeywordDetails(_ ids: [RequestID]) async throws
}

/// A card's key.
package struct CardPosition: Sendable, Hashable {
    package let id: RequestID
    /// nil: behind all of the request's cards.
    package let ordinal: Int?

    package init(id: RequestID, ordinal: Int?) {
        self.id = id
        self.ordinal = ordinal
    }
}

/// What the checker reads of the outbox.
package protocol OutboxAudit: Sendable {
    /// The shards with rows from before `date` that the sink does not have.
    func waiting(before date: Date) async throws -> [WaitingRows]

    /// Where the sinks are.
    func cursors() async throws -> [SweepProgress.Cursor]

    /// Rings for the relays.
    func ring() async throws
}

/// Rows of one shard that a sink does not have.
package struct WaitingRows: Sendable, Hashable {
    package static let countMax = 10_000

    package let sink: OutboxSink
    package let shard: Int
    /// How many, up to ``countMax``.
    package let count: Int
    /// When the oldest of those was written.
    package let oldest: Date
    /// The type of the first of them.
    package let firstType: String

    package init(sink: OutboxSink, shard: Int, count: Int, oldest: Date, firstType: String) {
        self.sink = sink
        self.shard = shard
        self.count = count
        self.oldest = oldest
        self.firstType = firstType
    }

    package var key: String { "\(sink.rawValue)/\(shard)" }
}

/// What the checker reads of references from one database into another: listings name products.
package protocol ListingAudit: Sendable {
    /// Up to `limit` listings behind `after`, nil for the first ones, in the order of their keys.
    func listings(behind after: UUID?, limit: Int) async throws -> [ListingFacts]

    /// These listings as they are now, nil where there is none.
    func listings(_ ids: [UUID]) async throws -> [ListingFacts?]
}

/// A listing and the product that it names, which may be none.
package struct ListingFacts: Sendable, Hashable {
    package let id: UUID
    package let productID: String
    package let createdAt: Date

    package init(id: UUID, productID: String, createdAt: Date) {
        self.id = id
        self.productID = productID
        self.createdAt = createdAt
    }
}

/// What the checker reads of copies in Redis and their rows, and mends.
package protocol CacheAudit: Sendable {
    /// Calls `body` with page after page of the keys in Quartet's namespaces. A key may come twice.
    func forEachPage(size: Int, _ body: @Sendable ([CachedKey]) async throws -> Void) async throws

    /// These keys as they are now, nil where there is none.
    func keys(_ names: [[UInt8]]) async throws -> [CachedKey?]

    /// The versions of the rows behind cache entries and when they came about, nil where there is no row.
    func rows(of keys: [CacheKey]) async throws -> [(version: Int64, since: Date)?]

    /// Makes keys that never expire do so after their family's time. Those that expire keep theirs.
    func expire(_ names: [[UInt8]]) async throws
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
