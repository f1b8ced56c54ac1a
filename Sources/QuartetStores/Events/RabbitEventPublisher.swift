import ClientSupport
package import QuartetCore
package import RabbitMQ

/// Publishes events to RabbitMQ's exchange, by their types' routing keys.
package final class RabbitEventPublisher: EventPublisher {
    private let publisher: RabbitPublisher
    private let events: RabbitEvents
    private let timeout: Duration

    /// - Parameters:
    ///   - publisher: declares the topology of `events`.
    ///   - timeout: how long one call of ``publish(_:)`` may take.
    package init(publisher: RabbitPublisher, events: RabbitEvents, timeout: Duration = .seconds(30)) {
        self.publisher = publisher
        self.events = events
        self.timeout = timeout
    }

    /// One that somebody takes in has to reach a queue; of the others nobody has to know.
    package func publish(_ events: [DomainEvent]) async throws {
        guard !events.isEmpty else { return }
        let messages = events.map { event in
            RabbitMessage(
                exchange: RabbitEvents.exchange, routingKey: event.type.routingKey,
                headers: CloudEvent.headers(of: event).map { RabbitHeader($0.name, $0.value) }, body: event.payload,
                isMandatory: self.events.isWanted(event.type))
        }
        for result in try await publisher.publish(messages, deadline: .after(timeout)) {
            guard case .failure(let error) = result else { continue }
            // The next try finds what was deleted.
            if error.code == .unroutable { try await publisher.declareAgain() }
            throw error
        }
    }

    /// A queue that was not there has lost what had been published to it.
    package func topicsWithLostLogs() async throws -> Set<EventTopic> {
        let made = try await publisher.takeMadeQueues()
        return events.queues.filter { made.contains($0.name) }.reduce(into: []) { $0.formUnion($1.topics) }
    }
}
