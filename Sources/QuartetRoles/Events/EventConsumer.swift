package import ClientSupport
import CoreMetrics
package import Logging
package import QuartetCore
import ServiceLifecycle

/// What a group of consumers does with events.
///
/// `Change` is what one event means to it, decoded and small: a batch of those is applied together.
package protocol EventHandler: Sendable {
    associatedtype Change: Sendable

    /// Of the role and of its group of consumers.
    var name: String { get }
    var topics: [EventTopic] { get }
    /// Whether of one aggregate's events in a batch only the newest is wanted.
    var wantsNewestOnly: Bool { get }

    /// What the event means, nil if nothing.
    ///
    /// - Throws: `EventDecodingError` where it can't be used: it goes to the dead letters with that reason.
    func change(for event: DomainEvent) throws(EventDecodingError) -> Change?

    /// Applies changes in the order of their events, each only where it is newer than what is there: they may come again.
    ///
    /// - Throws: ``UnappliedChanges`` where the others are applied.
    func apply(_ changes: [Change]) async throws

    /// Hears why an event was put aside, or what keeps it from being applied.
    func failed(_ reason: String) async
}

extension EventHandler {
    package func failed(_ reason: String) async {}
}

/// All changes of a batch are applied but these, by their places: they alone are put aside.
package struct UnappliedChanges: Error {
    package let failures: [Int: any StoreFailure]

    package init(failures: [Int: any StoreFailure]) {
        self.failures = failures
    }
}

/// The bounds of an event consumer.
package struct EventConsumerConfiguration: Sendable, Hashable {
    /// Events taken together.
    package var eventsPerBatchMax = 500
    /// How long one look for events lasts.
    package var pollTimeout: Duration = .seconds(1)

    package init() {}
}

/// The one loop that takes events in: a batch, decoded, applied, committed. What can't be used is put aside with its reason,
/// and a store that is away is waited for without leaving the group.
package final class EventConsumer<Handler: EventHandler>: Role {
    private let configuration: EventConsumerConfiguration
    private let handler: Handler
    private let subscribe: @Sendable () async throws -> any EventSubscription
    private let logger: Logger

    package var name: String { handler.name }

    /// - Parameter subscribe: joins the group; called again after the subscription broke.
    package init(
        configuration: EventConsumerConfiguration, handler: Handler, logger: Logger,
        subscribe: @escaping @Sendable () async throws -> any EventSubscription
    ) {
        self.configuration = configuration
        self.handler = handler
        self.logger = logger
        self.subscribe = subscribe
    }

    package func run() async throws {
        var backoff = RetryBackoff(logger: logger)
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do {
                try await consume()
            } catch is CancellationError {
                return
            } catch {
                let delay = backoff.failed("taking in events of \(name)", error)
                try? await cancelWhenGracefulShutdown { try await ContinuousClock().sleep(until: .now + delay) }
            }
        }
    }

    /// Until cancelled, or until the subscription breaks.
    private func consume() async throws {
        let subscription = try await subscribe()
        do {
            try await cancelWhenGracefulShutdown { [self] in
                while true { try await runOnce(subscription) }
            }
        } catch {
            await Task { await subscription.close() }.value
            throw error
        }
    }

    /// Applies one batch of events and commits them; returns how many there were.
    @discardableResult
    package func runOnce(_ subscription: any EventSubscription) async throws -> Int {
        let deliveries = try await subscription.next(
            limit: configuration.eventsPerBatchMax, timeout: configuration.pollTimeout)
        guard !deliveries.isEmpty else { return 0 }
        var decoded: [Decoded] = []
        decoded.reserveCapacity(deliveries.count)
        passOverForeign(deliveries)
        for delivery in deliveries where !delivery.isForeign {
            do throws(EventDecodingError) {
                let event = try delivery.event.get()
                guard let change = try handler.change(for: event) else { continue }
                decoded.append(Decoded(delivery: delivery, event: event, change: change))
            } catch {
                try await putAside(delivery, reason: error.reason, passes: error.passes, subscription)
            }
        }
        let applied = try await apply(handler.wantsNewestOnly ? Self.newest(decoded) : decoded, subscription)
        RoleMetrics.applied(name).increment(by: applied)
        try await subscription.commit(deliveries)
        Failpoint.eventsCommitted.reached()
        return deliveries.count
    }

    /// Whoever shares topics with another deployment gets its events in place of some of his own.
    private func passOverForeign(_ deliveries: [EventDelivery]) {
        let foreign = deliveries.filter(\.isForeign)
        guard let first = foreign.first else { return }
        RoleMetrics.foreignEvents.increment(by: foreign.count)
        logger.error(
            "events of another deployment passed over: give each a kafka.prefix of its own",
            metadata: ["topic": "\(first.topic)", "events": "\(foreign.count)"])
    }

    private struct Decoded: Sendable {
        let delivery: EventDelivery
        let event: DomainEvent
        let change: Handler.Change
    }

    /// The newest event of each aggregate, in the order in which they came.
    private static func newest(_ decoded: [Decoded]) -> [Decoded] {
        var places: [DomainEvent.Aggregate: Int] = [:]
        for (place, one) in decoded.enumerated() {
            if let before = places[one.event.aggregate], decoded[before].event.version > one.event.version { continue }
            places[one.event.aggregate] = place
        }
        return places.count == decoded.count ? decoded : places.values.sorted().map { decoded[$0] }
    }

    /// Where a batch meets what waiting does not mend, each of its changes goes by itself, and the one that it is about is put
    /// aside. Returns how many were applied.
    private func apply(_ decoded: [Decoded], _ subscription: any EventSubscription) async throws -> Int {
        guard !decoded.isEmpty else { return 0 }
        do {
            try await waitingForStores(subscription) { try await handler.apply(decoded.map(\.change)) }
            return decoded.count
        } catch let unapplied as UnappliedChanges {
            for (place, failure) in unapplied.failures.sorted(by: { $0.key < $1.key }) {
                try await leave(decoded[place].delivery, over: failure, subscription)
            }
            return decoded.count - unapplied.failures.count
        } catch let failure as any StoreFailure where decoded.count == 1 {
            try await leave(decoded[0].delivery, over: failure, subscription)
            return 0
        } catch is any StoreFailure {
            var applied = 0
            for one in decoded { applied += try await apply([one], subscription) }
            return applied
        }
    }

    /// Has it come again later where the stream can do that, and puts it aside otherwise.
    private func leave(
        _ delivery: EventDelivery, over failure: any StoreFailure, _ subscription: any EventSubscription
    ) async throws {
        let reason = "can't be applied: \(failure)"
        if try await subscription.comeAgain(delivery, reason: reason) {
            logger.warning("event comes again later", metadata: ["reason": "\(reason)"])
        } else {
            try await putAside(delivery, reason: reason, passes: !failure.isRefusedValue, subscription)
        }
    }

    /// A store that is away is waited for: whoever left the group over it would have every member's partitions dealt anew.
    private func waitingForStores(
        _ subscription: any EventSubscription, _ body: () async throws -> Void
    ) async throws {
        var backoff = RetryBackoff(logger: logger)
        while true {
            do {
                try await body()
                return backoff.succeeded("applying events of \(name)")
            } catch let failure as any StoreFailure where failure.isUnavailable || failure.isRetriable {
                let delay = backoff.failed("applying events of \(name)", failure)
                await handler.failed("\(failure)")
                try await ContinuousClock().sleep(until: .now + delay)
                try await subscription.keepPlace()
            }
        }
    }

    private func putAside(
        _ delivery: EventDelivery, reason: String, passes: Bool, _ subscription: any EventSubscription
    ) async throws {
        RoleMetrics.deadLetters.increment()
        logger.error(
            "event put aside",
            metadata: [
                "topic": "\(delivery.topic)", "partition": "\(delivery.partition)", "offset": "\(delivery.offset)",
                "reason": "\(reason)",
            ])
        await handler.failed("an event was put aside: \(reason)")
        try await subscription.deadLetter(delivery, reason: reason, passes: passes)
        Failpoint.eventSetAside.reached()
    }
}
