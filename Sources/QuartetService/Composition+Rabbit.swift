import ClientSupport
import QuartetCore
import QuartetRoles
import QuartetStores
import RabbitMQ

/// A queue of RabbitMQ that takes events in, for those who look at it.
package struct EventQueueReport: Sendable, Codable {
    package let queue: String
    package let topics: [String]
    package let routingKeys: [String]
    /// Nil for a queue that is not there.
    package let messages: Int?
    package let consumers: Int?
    package let deadLetters: Int?
}

extension Composition {
    package static let eventExchange = RabbitEvents.exchange

    /// The queues that there are to be, and what they have.
    ///
    /// - Throws: `ConfigurationError` if no topic goes over RabbitMQ.
    package func eventTopology() async throws -> [EventQueueReport] {
        let admin = try clients.rabbit.admin()
        var reports: [EventQueueReport] = []
        for queue in clients.rabbit.events.queues {
            let state = try await admin.state(of: queue.name)
            let keys = clients.rabbit.events.topology.bindings.filter {
                $0.queue == queue.name && $0.exchange == RabbitEvents.exchange
            }
            reports.append(
                EventQueueReport(
                    queue: queue.name, topics: queue.topics.map(\.rawValue).sorted(),
                    routingKeys: keys.map(\.routingKey).sorted(), messages: state?.messages,
                    consumers: state?.consumers,
                    deadLetters: try await admin.state(of: queue.deadLetters)?.messages))
        }
        await admin.disconnect()
        return reports
    }

    /// Declares exchanges and queues; returns how many queues were not there. What the outboxes still have of what was
    /// delivered is published to those: they are new, or were lost.
    func declareEventQueues() async throws -> Int {
        let admin = try clients.rabbit.admin()
        let made: [String]
        do {
            made = try await admin.declare(clients.rabbit.events.topology)
        } catch {
            throw ConfigurationError(key: "rabbitmq.url", problem: "queues can't be declared: \(error)")
        }
        await admin.disconnect()
        let topics = clients.rabbit.events.queues.filter { made.contains($0.name) }.reduce(into: Set<EventTopic>()) {
            $0.formUnion($1.topics)
        }
        guard !topics.isEmpty else { return made.count }
        for outbox in ports.outboxes.values {
            let delivered = try await outbox.positions(of: .rabbitmq)
            guard delivered.values.contains(where: { $0 > 0 }) else { continue }
            for delivery in try deliveries(from: outbox) where delivery.sink == .rabbitmq {
                _ = try await OutboxReplay(outbox: outbox, delivery: delivery).run(upTo: delivered) {
                    topics.contains($0.type.topic)
                }
            }
        }
        return made.count
    }
}
