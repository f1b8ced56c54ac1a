import CoreMetrics
package import Logging
package import QuartetCore

/// Where a relay brings a sink's rows. Bringing the same rows again changes nothing.
package protocol OutboxDelivery: Sendable {
    var sink: OutboxSink { get }

    /// How long rows gather where many come.
    var gatheringTime: Duration { get }

    /// - Parameter lull: returns when there is room for work that nobody waits for; awaited before such work.
    func deliver(_ events: [DomainEvent], lull: @escaping @Sendable () async -> Void) async throws

    /// Called from time to time: makes sure of what the place needs, should it have been lost.
    func tend() async throws

    /// Called from time to time: the topics that have lost what was delivered, told once.
    func topicsWithLostLogs() async throws -> Set<EventTopic>
}

extension OutboxDelivery {
    package var gatheringTime: Duration { .milliseconds(2) }

    package func deliver(_ events: [DomainEvent]) async throws { try await deliver(events) {} }

    package func tend() async throws {}

    package func topicsWithLostLogs() async throws -> Set<EventTopic> { [] }
}

/// Brings requests into the task queue.
package struct QueueDelivery: OutboxDelivery {
    package let sink = OutboxSink.queue
    /// Who submits many at once waits for workers rather than for this, and tasks cost less in larger batches.
    package let gatheringTime = Duration.milliseconds(10)
    private let queue: any TaskQueue
    private let progress: any ProgressBoard
    /// Bells can be lost, so a board that is away, or does not answer, stops no delivery.
    private let bells = BestEffort()
    private let logger: Logger

    package init(queue: any TaskQueue, progress: any ProgressBoard, logger: Logger) {
        self.queue = queue
        self.progress = progress
        self.logger = logger
    }

    package func deliver(_ events: [DomainEvent], lull: @escaping @Sendable () async -> Void) async throws {
        let last = Self.lastEvents(events)
        let requested = tasks(last, .analysisRequested)
        let cancelled = tasks(last, .analysisCancelled)
        if !requested.isEmpty {
            async let announced: Void = announce(requested)
            try await queue.enqueue(requested) { [progress, bells] in
                Failpoint.tasksVisible.reached()
                try? await bells { try await progress.ring(.queue) }
                await lull()
            }
            await announced
            Failpoint.tasksEnqueued.reached()
        }
        if !cancelled.isEmpty {
            try await queue.remove(cancelled)
            Failpoint.tasksRemoved.reached()
            try? await bells { [progress] in try await progress.ring(.leases) }
            let reports = cancelled.map {
                Progress(requestID: $0.requestID, generation: $0.generation, done: 0, total: 0, phase: .cancelled)
            }
            try? await bells { [progress] in try await progress.report(reports) }
            Failpoint.cancellationsReported.reached()
        }
    }

    package func tend() async throws {
        try await queue.prepare()
        let depth = try await queue.depth()
        RoleMetrics.queued("claimable").record(depth.claimable)
        RoleMetrics.queued("waiting").record(depth.waiting)
        RoleMetrics.queued("dead").record(depth.dead)
    }

    /// Where many come at once, nobody waits for each.
    private func announce(_ tasks: [AnalysisTask]) async {
        guard tasks.count == 1 else { return }
        try? await bells { [progress] in try await progress.ring(.arrivals, for: tasks[0]) }
    }

    /// Of a request's events in one batch the last one counts: it may be cancelled and asked for again.
    private static func lastEvents(_ events: [DomainEvent]) -> [DomainEvent] {
        let own = events.filter { $0.type.sinks.contains(.queue) }
        let places = Dictionary(own.indices.map { (own[$0].aggregateID, $0) }) { _, later in later }
        return places.count == own.count ? own : places.values.sorted().map { own[$0] }
    }

    /// One that can't be used holds up no other: the checker finds its request.
    private func tasks(_ events: [DomainEvent], _ type: EventType) -> [AnalysisTask] {
        events.filter { $0.type == type }.compactMap { event in
            do throws(EventDecodingError) {
                return try Self.task(event)
            } catch {
                RoleMetrics.unusableRows.increment()
                logger.error(
                    "outbox row passed over: no task can be made of it",
                    metadata: ["event": "\(event.id)", "type": "\(event.type)", "reason": "\(error)"])
                return nil
            }
        }
    }

    private static func task(_ event: DomainEvent) throws(EventDecodingError) -> AnalysisTask {
        guard let id = RequestID(event.aggregateID) else {
            throw EventDecodingError(reason: "the aggregate's id is no request's")
        }
        let payload = try event.payload(as: AnalysisPayload.self)
        return AnalysisTask(requestID: id, productID: payload.productID, generation: payload.generation)
    }
}

/// Publishes events over one bus.
package struct TopicDelivery: OutboxDelivery {
    package let sink: OutboxSink
    private let topics: Set<EventTopic>
    private let publisher: any EventPublisher

    /// - Parameter topics: those that go over this bus.
    package init(
        publisher: any EventPublisher, over bus: EventBus = .kafka, topics: Set<EventTopic> = Set(EventTopic.allCases)
    ) {
        self.publisher = publisher
        self.topics = topics
        sink = bus.sink
    }

    package func deliver(_ events: [DomainEvent], lull: @escaping @Sendable () async -> Void) async throws {
        let events = events.filter { topics.contains($0.type.topic) }
        guard !events.isEmpty else { return }
        await lull()
        try await publisher.publish(events)
        Failpoint.eventsPublished.reached()
    }

    package func topicsWithLostLogs() async throws -> Set<EventTopic> { try await publisher.topicsWithLostLogs() }
}
