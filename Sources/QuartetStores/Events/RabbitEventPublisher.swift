import ClientSupport
package import QuartetCore
package import RabbitMQ
import Synchronization

/// Publishes events to RabbitMQ's exchange, by their types' routing keys.
package final class RabbitEventPublisher: EventPublisher {
    private let publisher: RabbitPublisher
    private let events: RabbitEvents
    private let timeout: Duration
    private let admin: RabbitAdmin?
    private let lastLook = Mutex<ContinuousClock.Instant?>(nil)

    /// How often it is looked whether every queue is there: what several take in is not returned when one of them is gone.
    private static let lookInterval: Duration = .seconds(2)

    /// - Parameters:
    ///   - publisher: declares the topology of `events`.
    ///   - admin: looks for queues that are gone; without it only what reaches no queue at all tells of one.
    ///   - timeout: how long one call of ``publish(_:)`` may take.
    package init(
        publisher: RabbitPublisher, events: RabbitEvents, admin: RabbitAdmin? = nil, timeout: Duration = .seconds(30)
    ) {
        self.publisher = publisher
        self.events = events
        self.admin = admin
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
        try await lookForQueues()
        let made = try await publisher.takeMadeQueues()
        return events.queues.filter { made.contains($0.name) }.reduce(into: []) { $0.formUnion($1.topics) }
    }

    /// One that is gone is declared again, and so is among those that were made.
    private func lookForQueues() async throws {
        guard let admin else { return }
        let isDue = lastLook.withLock { last in
            guard last.map({ $0.duration(to: .now) >= Self.lookInterval }) ?? true else { return false }
            last = .now
            return true
        }
        guard isDue else { return }
        for queue in events.queues where try await admin.state(of: queue.name) == nil {
            return try await publisher.declareAgain()
        }
    }
}
