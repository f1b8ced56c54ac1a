package import Foundation

/// Something that happened to one aggregate, at a version of it. A consumer applies only what is newer than what it has.
package struct DomainEvent: Sendable, Hashable {
    /// Unique; the same event delivered twice has the same id.
    package let id: String
    package let type: EventType
    /// With the type's kind the key by which events are kept in order.
    package let aggregateID: String
    /// Grows with each change of the aggregate.
    package let version: Int64
    /// A JSON object with the fields of the type's payload, and perhaps more.
    package let payload: [UInt8]
    package let occurredAt: Date
    /// A W3C traceparent.
    package let trace: String?

    package init(
        id: String, type: EventType, aggregateID: String, version: Int64, payload: [UInt8], occurredAt: Date,
        trace: String? = nil
    ) {
        self.id = id
        self.type = type
        self.aggregateID = aggregateID
        self.version = version
        self.payload = payload
        self.occurredAt = occurredAt
        self.trace = trace
    }

    package var aggregate: Aggregate { Aggregate(kind: type.aggregate, id: aggregateID) }

    package struct Aggregate: Sendable, Hashable {
        package let kind: AggregateKind
        package let id: String
    }
}

/// Why bytes are no event, or not one that fits its type.
package struct EventDecodingError: Error, Hashable, CustomStringConvertible {
    package let reason: String
    /// Whether the reason may pass by itself, as when what the event names is still to come: then it is tried again.
    package let passes: Bool

    package init(reason: String, passes: Bool = false) {
        self.reason = reason
        self.passes = passes
    }

    package var description: String { reason }
}
