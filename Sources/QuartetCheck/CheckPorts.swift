import CoreMetrics
package import QuartetCore

/// What a checker reads and mends.
package struct CheckPorts: Sendable {
    let sweeps: any SweepStore
    let requests: any RequestStore
    let checkStore: any RequestCheckStore
    let documents: any DocumentCheckStore
    let queue: any TaskQueue
    let sessions: any SessionStore
    let cards: any CardStore
    let keywords: any KeywordStore
    let outboxes: [CheckedOutbox]
    let caches: any CacheCheckStore
    let cache: any VersionedCache
    let products: any ProductStore
    let references: [any ReferenceCheckStore]
    let readModels: [any ReadModelCheckStore]

    package init(
        sweeps: any SweepStore, requests: any RequestStore, checkStore: any RequestCheckStore,
        documents: any DocumentCheckStore,
        queue: any TaskQueue, sessions: any SessionStore, cards: any CardStore, keywords: any KeywordStore,
        outboxes: [CheckedOutbox],
        caches: any CacheCheckStore, cache: any VersionedCache, products: any ProductStore,
        references: [any ReferenceCheckStore], readModels: [any ReadModelCheckStore]
    ) {
        self.sweeps = sweeps
        self.requests = requests
        self.checkStore = checkStore
        self.documents = documents
        self.queue = queue
        self.sessions = sessions
        self.cards = cards
        self.keywords = keywords
        self.outboxes = outboxes
        self.caches = caches
        self.cache = cache
        self.products = products
        self.references = references
        self.readModels = readModels
    }
}
