package import QuartetCore
package import RabbitMQ

/// Who takes events in over RabbitMQ: its queue and its topics.
package struct RabbitEventQueue: Sendable, Hashable {
    /// `my.users_view`: whose it is, and what takes in.
    package let name: String
    /// The name of the handler.
    package let consumer: String
    package let topics: Set<EventTopic>

    package init(name: String, consumer: String = "", topics: Set<EventTopic>) {
        self.name = name
        self.consumer = consumer
        self.topics = topics
    }

    /// Where those that can't be used lie.
    package var deadLetters: String { name + EventTopic.deadLetterSuffix }
    /// Where those that come again wait.
    package var retries: String { name + ".retry" }

    func wants(_ type: EventType) -> Bool { topics.contains(type.topic) }
}

/// The exchange, and a queue for each that takes events in: it keeps them in order, since only one consumer of it is active.
package struct RabbitEvents: Sendable, Hashable {
    package static let exchange = "domain.events"
    package static let deadLetterExchange = "domain.events.dlx"

    package let queues: [RabbitEventQueue]
    /// Whether several nodes of a cluster keep each queue.
    package let isQuorum: Bool

    package init(queues: [RabbitEventQueue], isQuorum: Bool = false) {
        self.queues = queues
        self.isQuorum = isQuorum
    }

    package var topology: RabbitTopology {
        var topology = RabbitTopology()
        topology.exchanges = [.init(Self.exchange, .topic), .init(Self.deadLetterExchange, .direct)]
        let kind = isQuorum ? [RabbitHeader("x-queue-type", "quorum")] : []
        for queue in queues {
            topology.queues += [
                .init(
                    queue.name,
                    arguments: kind + [
                        RabbitHeader("x-dead-letter-exchange", Self.deadLetterExchange),
                        RabbitHeader("x-dead-letter-routing-key", queue.name),
                        RabbitHeader("x-single-active-consumer", .flag(true)),
                    ]),
                .init(queue.deadLetters, arguments: kind),
                // What expires there goes back.
                .init(
                    queue.retries,
                    arguments: kind + [
                        RabbitHeader("x-dead-letter-exchange", ""),
                        RabbitHeader("x-dead-letter-routing-key", queue.name),
                    ]),
            ]
            topology.bindings.append(.init(queue: queue.deadLetters, to: Self.deadLetterExchange, for: queue.name))
            topology.bindings += EventType.all.filter(queue.wants).map {
                .init(queue: queue.name, to: Self.exchange, for: $0.routingKey)
            }
        }
        return topology
    }

    /// Whether anybody takes in events of this type.
    func isWanted(_ type: EventType) -> Bool { queues.contains { $0.wants(type) } }

    static func topic(ofKey routingKey: String) -> EventTopic? {
        EventType.all.first { $0.routingKey == routingKey }?.topic
    }
}
