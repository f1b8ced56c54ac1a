import ClientSupport
package import Kafka
import Logging
package import QuartetCore
import Synchronization

/// Publishes events to Kafka, keyed by aggregate.
///
/// The producer must be idempotent, or a repeated send inside it could reorder an aggregate's events.
package final class KafkaEventPublisher: EventPublisher {
    private let producer: KafkaProducer
    private let naming: EventNaming
    private let timeout: Duration
    private let ends: @Sendable (String) async throws -> [KafkaWatermarks]
    private let logs = Mutex(PublishedLogs())

    /// - Parameters:
    ///   - timeout: how long one call of ``publish(_:)`` may take.
    ///   - ends: what each partition of a topic has; nothing of a topic that is not there.
    package init(
        producer: KafkaProducer, naming: EventNaming = EventNaming(), timeout: Duration = .seconds(30),
        ends: @escaping @Sendable (String) async throws -> [KafkaWatermarks]
    ) {
        self.producer = producer
        self.naming = naming
        self.timeout = timeout
        self.ends = ends
    }

    package func publish(_ events: [DomainEvent]) async throws {
        guard !events.isEmpty else { return }
        // Once something is written, a log that was begun anew no longer looks it.
        for topic in Set(events.map(\.type.topic)) where logs.withLock({ $0.ends[topic] == nil }) {
            try await look(topic)
        }
        let results = try await producer.send(
            events.map { CloudEvent.record(of: $0, naming: naming) }, deadline: .after(timeout))
        logs.withLock { logs in
            for (event, result) in zip(events, results) {
                if case .success(let delivery) = result { logs.wrote(delivery, to: event.type.topic) }
            }
        }
        for result in results { _ = try result.get() }
    }

    /// A log that ends before what it is known to have had was begun anew; and an empty one, as far as is known at the first
    /// look. It takes two looks in a row to say so.
    package func topicsWithLostLogs() async throws -> Set<EventTopic> {
        let topics = Set(EventType.all.map(\.topic))
        var failures: [any Error] = []
        for topic in topics {
            do {
                try await look(topic)
            } catch {
                failures.append(error)
            }
        }
        // One that has no leader says nothing of the others.
        if failures.count == topics.count, let failure = failures.first { throw failure }
        return logs.withLock { $0.takeLost() }
    }

    private func look(_ topic: EventTopic) async throws {
        // As of before the look: records go on being written meanwhile.
        let known = logs.withLock { $0.ends[topic] }
        let marks = try await ends(naming.topic(topic))
        logs.withLock { $0.saw(marks, of: topic, known: known) }
    }
}
