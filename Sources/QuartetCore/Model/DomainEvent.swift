package import Foundation

/// What can happen, by the name under which it is published.
package enum EventType: String, Sendable, Hashable, CaseIterable {
    case analysisRequested = "analysis.requested"
    case analysisCompleted = "analysis.completed"
    case analysisFailed = "analysis.failed"
    case analysisCancelled = "analysis.cancelled"
    case productUpdated = "product.updated"
    /// The checker found something; the aggregate is `invariant/kind/key`, and there is no product.
    case consistencyFinding = "consistency.finding"

    package var topic: EventTopic {
        switch self {
        case .analysisRequested, .analysisCompleted, .analysisFailed, .analysisCancelled: .analysis
        case .productUpdated: .product
        case .consistencyFinding: .alerts
        }
    }
}

/// The public topics; dead letters go to the topic's name with `.dlq` behind it.
package enum EventTopic: String, Sendable, Hashable, CaseIterable {
    case analysis = "analysis.events"
    case product = "product.events"
    case user = "user.events"
    case alerts = "quartet.alerts"

    package var deadLetters: String { rawValue + ".dlq" }
}

/// Something that happened to one aggregate, at a version of it. A consumer applies only what is newer than what it has.
package struct DomainEvent: Sendable, Hashable {
    /// Unique; the same event delivered twice has the same id.
    package let id: String
    package let type: EventType
    /// The request's or product's id: the key by which events are kept in order.
    package let aggregateID: String
    /// Grows with each change of the aggregate. For `analysis.completed` it is the completion in microseconds since 1970.
    package let version: Int64
    package let productID: ProductID
    package let generation: Int
    package let occurredAt: Date

    package init(
        id: String, type: EventType, aggregateID: String, version: Int64, productID: ProductID, generation: Int,
        occurredAt: Date
    ) {
        self.id = id
        self.type = type
        self.aggregateID = aggregateID
        self.version = version
        self.productID = productID
        self.generation = generation
        self.occurredAt = occurredAt
    }
}
