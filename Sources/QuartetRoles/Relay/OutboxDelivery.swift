package import QuartetCore

/// Where a relay brings a sink's rows. Bringing the same rows again changes nothing.
package protocol OutboxDelivery: Sendable {
    var sink: OutboxSink { get }
    func deliver(_ events: [DomainEvent]) async throws
}

/// Brings requests into the task queue.
package struct QueueDelivery: OutboxDelivery {
    package let sink = OutboxSink.queue
    private let queue: any TaskQueue
    private let progress: any ProgressBoard

    package init(queue: any TaskQueue, progress: any ProgressBoard) {
        self.queue = queue
        self.progress = progress
    }

    package func deliver(_ events: [DomainEvent]) async throws {
        let cancelled = ids(of: events, .analysisCancelled)
        let tasks = events.compactMap { event -> AnalysisTask? in
            guard event.type == .analysisRequested, let id = RequestID(event.aggregateID) else { return nil }
            return AnalysisTask(requestID: id, productID: event.productID, generation: event.generation)
        }
        // Bells can be lost, so a board that is away does not stop the queue.
        if !tasks.isEmpty { try await queue.enqueue(tasks) { [progress] in try? await progress.ring(.queue) } }
        if !cancelled.isEmpty { try await queue.remove(cancelled) }
        if !cancelled.isEmpty {
            try? await progress.report(cancelled.map { Progress(requestID: $0, done: 0, total: 0, phase: .cancelled) })
        }
    }

    private func ids(of events: [DomainEvent], _ type: EventType) -> [RequestID] {
        events.compactMap { $0.type == type ? RequestID($0.aggregateID) : nil }
    }
}

/// Publishes events to the topics.
package struct TopicDelivery: OutboxDelivery {
    package let sink = OutboxSink.events
    private let publisher: any EventPublisher

    package init(publisher: any EventPublisher) {
        self.publisher = publisher
    }

    package func deliver(_ events: [DomainEvent]) async throws {
        try await publisher.publish(events)
    }
}
