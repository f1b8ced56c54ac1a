import ClientSupport
package import Kafka
package import QuartetCore

/// Publishes events to Kafka, keyed by aggregate.
///
/// The producer must be idempotent, or a repeated send inside it could reorder an aggregate's events.
package struct KafkaEventPublisher: EventPublisher {
    private let producer: KafkaProducer
    private let timeout: Duration

    /// - Parameter timeout: how long one call of ``publish(_:)`` may take.
    package init(producer: KafkaProducer, timeout: Duration = .seconds(30)) {
        self.producer = producer
        self.timeout = timeout
    }

    package func publish(_ events: [DomainEvent]) async throws {
        guard !events.isEmpty else { return }
        let results = try await producer.send(events.map(CloudEvent.record(of:)), deadline: .after(timeout))
        for result in results { _ = try result.get() }
    }
}
