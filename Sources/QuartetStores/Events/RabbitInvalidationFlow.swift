package import QuartetCore
package import RabbitMQ

/// How far behind the caches may be where RabbitMQ carries the events: what has waited longest in the outbox, and since when
/// nothing was ready in the queue of those who invalidate.
///
/// What an invalidator has been sent and not acknowledged is not told. One that ends gives it back at once, one that stands
/// still when its heartbeats stop.
package actor RabbitInvalidationFlow: InvalidationFlow {
    private static let rowsMax = 16

    private let outboxes: [any OutboxStore]
    private let topics: Set<EventTopic>
    private let state: @Sendable () async throws -> RabbitQueueState?
    private var reachedAt: ContinuousClock.Instant?

    /// - Parameters:
    ///   - outboxes: those that the topics are filled from.
    ///   - state: of the queue; nil where there is none.
    package init(
        outboxes: [any OutboxStore], topics: Set<EventTopic>,
        state: @escaping @Sendable () async throws -> RabbitQueueState?
    ) {
        self.outboxes = outboxes
        self.topics = topics
        self.state = state
    }

    package func delays() async throws -> [EventTopic: Duration] {
        var oldest = Duration.zero
        // Before the queue: what leaves the outbox meanwhile is seen there.
        for outbox in outboxes {
            oldest = max(oldest, try await outbox.backlog(sink: .rabbitmq, limit: Self.rowsMax).oldest)
        }
        let now = ContinuousClock.now
        if let state = try await state(), state.messages == 0 { reachedAt = now }
        // Before anything was reached nothing is known.
        guard let reachedAt else { return [:] }
        let delay = oldest + reachedAt.duration(to: .now)
        return Dictionary(uniqueKeysWithValues: topics.map { ($0, delay) })
    }
}

/// Where some topics go over one bus and some over another.
package struct InvalidationFlows: InvalidationFlow {
    private let flows: [any InvalidationFlow]

    package init(_ flows: [any InvalidationFlow]) {
        self.flows = flows
    }

    package func delays() async throws -> [EventTopic: Duration] {
        var delays: [EventTopic: Duration] = [:]
        for flow in flows { delays.merge(try await flow.delays(), uniquingKeysWith: max) }
        return delays
    }
}
