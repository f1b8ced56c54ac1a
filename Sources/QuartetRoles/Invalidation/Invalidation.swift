import ClientSupport
import CoreMetrics
package import Logging
package import QuartetCore
import ServiceLifecycle

package struct InvalidationConfiguration: Sendable, Hashable {
    /// Events taken together.
    package var eventsPerBatchMax = 500
    /// How long one look for events lasts.
    package var pollTimeout: Duration = .seconds(1)

    package init() {}
}

/// Removes cache entries when the events say that what they were made from has changed.
package final class Invalidation: Role {
    package let name = "invalidate"
    private let configuration: InvalidationConfiguration
    private let subscribe: @Sendable () async throws -> any EventSubscription
    private let cache: any VersionedCache
    private let logger: Logger

    /// - Parameter subscribe: joins the group; called again after the subscription broke.
    package init(
        configuration: InvalidationConfiguration, cache: any VersionedCache, logger: Logger,
        subscribe: @escaping @Sendable () async throws -> any EventSubscription
    ) {
        self.configuration = configuration
        self.cache = cache
        self.logger = logger
        self.subscribe = subscribe
    }

    package func run() async throws {
        var backoff = RetryBackoff(logger: logger)
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do {
                let subscription = try await subscribe()
                do {
                    try await cancelWhenGracefulShutdown { [self] in
                        while true {
                            try await runOnce(subscription)
                        }
                    }
                } catch {
                    await Task { await subscription.close() }.value
                    throw error
                }
            } catch is CancellationError {
                return
            } catch {
                let delay = backoff.failed("invalidating caches", error)
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
            }
        }
    }

    /// Applies one batch of events and commits them; returns how many there were.
    @discardableResult
    package func runOnce(_ subscription: any EventSubscription) async throws -> Int {
        let deliveries = try await subscription.next(
            limit: configuration.eventsPerBatchMax, timeout: configuration.pollTimeout)
        guard !deliveries.isEmpty else { return 0 }
        var newest: [CacheKey: Int64] = [:]
        for delivery in deliveries {
            switch delivery.event {
            case .success(let event):
                guard let key = Self.key(concerning: event) else { continue }
                newest[key] = max(newest[key] ?? .min, event.version)
            case .failure(let error):
                RoleMetrics.deadLetters.increment()
                logger.error("event put aside", metadata: ["topic": "\(delivery.topic)", "error": "\(error)"])
                try await subscription.deadLetter(delivery, reason: error.reason)
                Failpoint.eventSetAside.reached()
            }
        }
        try await invalidate(newest.map { CacheInvalidation(key: $0, version: $1) })
        RoleMetrics.cacheInvalidations.increment(by: newest.count)
        try await subscription.commit(deliveries)
        Failpoint.eventsCommitted.reached()
        return deliveries.count
    }

    /// A cache that is away is waited for: whoever left the group over it would have every member's partitions dealt anew.
    private func invalidate(_ invalidations: [CacheInvalidation]) async throws {
        var backoff = RetryBackoff(logger: logger)
        while true {
            do {
                try await cache.invalidate(invalidations)
                Failpoint.cacheInvalidated.reached()
                return backoff.succeeded("invalidating caches")
            } catch let failure as any StoreFailure where failure.isUnavailable || failure.isRetriable {
                try await Task.sleep(for: backoff.failed("invalidating caches", failure))
            }
        }
    }

    private static func key(concerning event: DomainEvent) -> CacheKey? {
        switch event.type {
        case .analysisCompleted: .analysis(event.productID)
        case .productUpdated: .product(event.productID)
        case .analysisRequested, .analysisFailed, .analysisCancelled, .consistencyFinding: nil
        }
    }
}
