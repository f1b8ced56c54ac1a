import Synchronization

/// What an event happened to: the first part of what keeps events in order, before its id.
package struct AggregateKind: RawRepresentable, Sendable, Hashable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package static let analysis = AggregateKind(rawValue: "analysis")
    package static let product = AggregateKind(rawValue: "product")
    package static let finding = AggregateKind(rawValue: "finding")
    package static let user = AggregateKind(rawValue: "user")
}

/// The public topics; dead letters go to the topic's name with `.dlq` behind it.
package struct EventTopic: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package static let analysis = EventTopic(rawValue: "analysis.events")
    package static let product = EventTopic(rawValue: "product.events")
    package static let user = EventTopic(rawValue: "user.events")
    package static let alerts = EventTopic(rawValue: "quartet.alerts")

    /// Those that any type of event goes through, in the order of their types.
    package static var allCases: [EventTopic] {
        EventType.all.reduce(into: []) { topics, type in
            if !topics.contains(type.topic) { topics.append(type.topic) }
        }
    }

    /// Nil for one that no type of event goes through.
    package static func named(_ name: String) -> EventTopic? { allCases.first { $0.rawValue == name } }

    package static let deadLetterSuffix = ".dlq"

    package var deadLetters: String { rawValue + Self.deadLetterSuffix }
    package var description: String { rawValue }
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
    /// Whether others publish it: what comes through its topic is one, with headers of CloudEvents or without.
    package let isFromOutside: Bool

    package init(
        _ name: String, of aggregate: AggregateKind, to topic: EventTopic, as routingKey: String,
        for sinks: Set<OutboxSink> = [.events],
        carrying payload: any EventPayload.Type, isFromOutside: Bool = false
    ) {
        self.name = name
        self.aggregate = aggregate
        self.topic = topic
        self.routingKey = routingKey
        // Which of the buses is configuration.
        self.sinks = sinks.contains(.events) ? sinks.union([.rabbitmq]) : sinks
        self.payload = payload
        self.isFromOutside = isFromOutside
    }

    package var description: String { name }
    package static func == (left: EventType, right: EventType) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The type of a name; nil for one that this build does not know.
    package static func named(_ name: String) -> EventType? { registry.withLock { $0.byName[name] } }

    /// The type of all that comes through a topic which others publish to; nil for a topic of our own.
    package static func fromOutside(through topic: EventTopic) -> EventType? {
        registry.withLock { registry in registry.all.first { $0.isFromOutside && $0.topic == topic } }
    }

    /// Every type that this process knows: those of the table below, and what services have declared.
    package static var all: [EventType] { registry.withLock { $0.all } }

    /// Makes a service's types known, before anything reads or writes events. Again, it changes nothing.
    package static func register(_ types: [EventType]) {
        registry.withLock { registry in
            for type in types where registry.byName.updateValue(type, forKey: type.name) == nil {
                registry.all.append(type)
            }
        }
    }

    private struct Registry {
        var all: [EventType]
        var byName: [String: EventType]
    }

    private static let registry = Mutex(
        Registry(all: table, byName: Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })))
}

// MARK: The table

extension EventType {
    private static let table: [EventType] = [
        analysisRequested, analysisCompleted, analysisFailed, analysisCancelled, productUpdated, productCreated,
        productDeleted, productRenamed, consistencyFinding, userCreated, userUpdated, userDeleted,
        supplierItemChanged, supplierItemRemoved,
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
    package static let productCreated = EventType(
        "catalog.product.created", of: .product, to: .product, as: "catalog.product.created",
        carrying: ProductPayload.self)
    package static let productUpdated = EventType(
        "catalog.product.updated", of: .product, to: .product, as: "catalog.product.updated",
        carrying: ProductPayload.self)
    package static let productDeleted = EventType(
        "catalog.product.deleted", of: .product, to: .product, as: "catalog.product.deleted",
        carrying: DeletionPayload.self)
    /// What an earlier build wrote, of a product with a new name.
    package static let productRenamed = EventType(
        "product.updated", of: .product, to: .product, as: "catalog.product.renamed", carrying: ProductPayload.self)
    /// The checker found something; the aggregate's id is `invariant/kind/key`.
    package static let consistencyFinding = EventType(
        "consistency.finding", of: .finding, to: .alerts, as: "check.finding.found", carrying: FindingPayload.self)
    package static let userCreated = EventType(
        "auth.user.created", of: .user, to: .user, as: "auth.user.created", carrying: UserPayload.self)
    package static let userUpdated = EventType(
        "auth.user.updated", of: .user, to: .user, as: "auth.user.updated", carrying: UserPayload.self)
    package static let userDeleted = EventType(
        "auth.user.deleted", of: .user, to: .user, as: "auth.user.deleted", carrying: DeletionPayload.self)
}
