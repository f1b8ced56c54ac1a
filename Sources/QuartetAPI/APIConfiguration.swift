package import ClientSupport
import Foundation
package import QuartetCore

/// How the HTTP interface is served.
package struct APIConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 takes a free one.
    package var port = 8080
    /// Secret.
    package var key: String
    package var limits = ReviewLimits()
    /// Calls of one kind that may wait for a store.
    package var waitingMax = 16_384
    package var submitsPerBatchMax = 512
    /// Cards of one answer.
    package var cardsPerPageMax = 1_000
    /// How often a watched analysis is looked at without a ring.
    package var watchInterval: Duration = .seconds(1)
    /// How long an event stream is silent before a comment keeps it open.
    package var heartbeatInterval: Duration = .seconds(15)
    /// Watchers of one process.
    package var watchersMax = 10_000
    /// Cards that watchers who read what was before they came have in hand, all together.
    package var watchedCardsMax = 200_000
    /// How long a connection may be open without a call on it, or with one that does not arrive.
    package var idleTimeout: Duration = .seconds(75)
    /// How long a caller may take nothing of an answer.
    package var writeTimeout: Duration = .seconds(30)
    /// How long a request may take to arrive.
    package var requestTimeout: Duration = .seconds(60)
    /// Bytes a second below which a body is not waited for.
    package var bodyRateMin = 1_024
    /// Bytes of bodies that are on the way at once, over all calls.
    package var bodiesBytesMax = 128 * 1024 * 1024
    /// Connections open at once, those of probes not among them; more wait until they are accepted.
    package var connectionsMax = 12_000
    package var cache = CacheReadConfiguration()

    package init(key: String) {
        self.key = key
    }
}

/// How the cache is read.
package struct CacheReadConfiguration: Sendable {
    /// For how long a change may be on its way to the cache; then the cache is not read.
    package var delayMax: Duration = .seconds(5)
    /// How long a hint to the cache is waited for before a change is announced.
    package var hintTimeout: Duration = .seconds(1)
    /// The same once some have failed in a row.
    package var hintTimeoutWhileAway: Duration = .milliseconds(50)
    /// Failures in a row after which nobody waits for the cache any more.
    package var failuresMax = 2
    /// How long after that somebody looks again.
    package var breakerPause: Duration = .seconds(1)
    /// How long a reader waits for another's load.
    package var waitMax: Duration = .seconds(2)
    package var firstWait: Duration = .milliseconds(2)
    package var longestWait: Duration = .milliseconds(40)
    package var waitingMax = 16_384
    /// From a random number of 0 to 1 how early an entry may be found worth loading again.
    package var earliness: @Sendable (Double) -> Double = { -log(1 - $0) }

    package init() {}
}

/// The ports that the HTTP interface works with.
package struct APIPorts: Sendable {
    package let requests: any RequestStore
    package let queue: any TaskQueue
    package let products: any ProductStore
    package let reviews: any ReviewStore
    package let sessions: any SessionStore
    package let cards: any CardStore
    package let keywords: any KeywordStore
    package let progress: any ProgressBoard
    package let cache: any VersionedCache
    /// Nil: nothing is known of it, and the cache is believed.
    package let flow: (any InvalidationFlow)?

    package init(
        requests: any RequestStore, queue: any TaskQueue, products: any ProductStore, reviews: any ReviewStore,
        sessions: any SessionStore, cards: any CardStore, keywords: any KeywordStore, progress: any ProgressBoard,
        cache: any VersionedCache, flow: (any InvalidationFlow)? = nil
    ) {
        self.requests = requests
        self.queue = queue
        self.products = products
        self.reviews = reviews
        self.sessions = sessions
        self.cards = cards
        self.keywords = keywords
        self.progress = progress
        self.cache = cache
        self.flow = flow
    }
}

/// A store's name and a call that throws when it does not answer.
package struct ReadinessProbe: Sendable {
    package let store: String
    /// Without it no submit can be taken; all else goes on without the others.
    package let isEssential: Bool
    package let check: @Sendable (Deadline) async throws -> Void

    package init(
        store: String, isEssential: Bool = false, check: @escaping @Sendable (Deadline) async throws -> Void
    ) {
        self.store = store
        self.isEssential = isEssential
        self.check = check
    }
}
