/// What an event happened to: the first part of what keeps events in order, before its id.
package enum AggregateKind: String, Sendable, Hashable, CaseIterable {
    case analysis, product, finding, user
}

/// The public topics; dead letters go to the topic's name with `.dlq` behind it.
package enum EventTopic: String, Sendable, Hashable, CaseIterable {
    case analysis = "analysis.events"
    case product = "product.events"
    case user = "user.events"
    case alerts = "quartet.alerts"

    package static let deadLetterSuffix = ".dlq"

    package var deadLetters: String { rawValue + Self.deadLetterSuffix }
}

/// Where outbox rows go. Each sink has cursors of its own, so that one that is down does not hold up the other.
package enum OutboxSink: String, Sendable, Hashable, CaseIterable {
    /// The task queue in MongoDB.
    case queue
    /// The topics in Kafka.
    case events
    /// The exchange in RabbitMQ.
    case rabbitmq

    /// Where no topic goes over RabbitMQ.
    package static let usual: [OutboxSink] = [.queue, .events]
}

/// What carries events to those who take them in.
package enum EventBus: String, Sendable, Hashable, CaseIterable, Codable {
    case kafka, rabbitmq

    package var sink: OutboxSink {
        switch self {
        case .kafka: .events
        case .rabbitmq: .rabbitmq
        }
    }
}

/// Which bus each topic's events go over.
package struct EventRoutes: Sendable, Hashable {
    package var bus: EventBus
    /// Those that differ.
    package var exceptions: [EventTopic: EventBus]

    package init(bus: EventBus = .kafka, exceptions: [EventTopic: EventBus] = [:]) {
        self.bus = bus
        self.exceptions = exceptions
    }

    package func bus(of topic: EventTopic) -> EventBus { exceptions[topic] ?? bus }

    package func topics(over bus: EventBus) -> Set<EventTopic> {
        Set(EventTopic.allCases.filter { self.bus(of: $0) == bus })
    }

    /// Those that carry anything.
    package var buses: [EventBus] { EventBus.allCases.filter { !topics(over: $0).isEmpty } }
}

/// What can happen, declared once: all that depends on an event's type stands here.
package struct EventType: Sendable, Hashable, CustomStringConvertible {
    /// The name under which it is published, which `emit` is called with.
    package let name: String
    package let aggregate: AggregateKind
    package let topic: EventTopic
    /// `<service>.<aggregate>.<verb>`.
    package let routingKey: String
    package let sinks: Set<OutboxSink>
    package let payload: any EventPayload.Type

    private init(
        _ name: String, of aggregate: AggregateKind, to topic: EventTopic, as routingKey: String,
        for sinks: Set<OutboxSink> = [.events], carrying payload: any EventPayload.Type
    ) {
        self.name = name
        self.aggregate = aggregate
        self.topic = topic
        self.routingKey = routingKey
        // Which of the buses is configuration.
        self.sinks = sinks.contains(.events) ? sinks.union([.rabbitmq]) : sinks
        self.payload = payload
    }

    package var description: String { name }
    package static func == (left: EventType, right: EventType) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The type of a name; nil for one that this build does not know.
    package static func named(_ name: String) -> EventType? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}

// MARK: The table

extension EventType {
    package static let all: [EventType] = [
        analysisRequested, analysisCompleted, analysisFailed, analysisCancelled, productUpdated, consistencyFinding,
        userCreated, userUpdated, userDeleted,
    ]

    package static let analysisRequested = EventType(
        "analysis.requested", of: .analysis, to: .analysis, as: "analysis.analysis.requested",
        for: [.queue, .events], carrying: AnalysisPayload.self)
    package static let analysisCompleted = EventType(
        "analysis.completed", of: .analysis, to: .analysis, as: "analysis.analysis.completed",
        carrying: CompletionPayload.self)
    package static let analysisFailed = EventType(
        "analysis.failed", of: .analysis, to: .analysis, as: "analysis.analysis.failed",
        carrying: AnalysisPayload.self)
    package static let analysisCancelled = EventType(
        "analysis.cancelled", of: .analysis, to: .analysis, as: "analysis.analysis.cancelled",
        for: [.queue, .events], carrying: AnalysisPayload.self)
    package static let productUpdated = EventType(
        "product.updated", of: .product, to: .product, as: "catalog.product.updated", carrying: ProductPayload.self)
    /// The checker found something; the aggregate's id is `invariant/kind/key`.
    package static let consistencyFinding = EventType(
        "consistency.finding", of: .finding, to: .alerts, as: "check.finding.found", carrying: FindingPayload.self)
    package static let userCreated = EventType(
        "auth.user.created", of: .user, to: .user, as: "auth.user.created", carrying: UserPayload.self)
    package static let userUpdated = EventType(
        "auth.user.updated", of: .user, to: .user, as: "auth.user.updated", carrying: UserPayload.self)
    package static let userDeleted = EventType(
        "auth.user.deleted", of: .user, to: .user, as: "auth.user.deleted", carrying: UserDeletionPayload.self)
}
