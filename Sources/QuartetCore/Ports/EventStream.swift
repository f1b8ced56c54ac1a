/// Publishes events to whoever keeps a copy, in order per aggregate.
package protocol EventPublisher: Sendable {
    /// Returns when every event is durable; throws when one is not, and then any of them may have been published.
    func publish(_ events: [DomainEvent]) async throws

    /// Topics of which it has turned out since the last call that their log is another one, without what was published
    /// before.
    func topicsWithLostLogs() async throws -> Set<EventTopic>
}

extension EventPublisher {
    package func topicsWithLostLogs() async throws -> Set<EventTopic> { [] }
}

/// Events as one member of a group of consumers gets them: at least once each, in order per aggregate.
package protocol EventSubscription: Sendable {
    /// What is new, at most `limit` deliveries, or none when `timeout` passes first.
    func next(limit: Int, timeout: Duration) async throws -> [EventDelivery]

    /// Says that the work for `deliveries`, and for all before them, is done.
    func commit(_ deliveries: [EventDelivery]) async throws

    /// Puts a delivery that can't be used aside, with the reason.
    ///
    /// - Parameter passes: whether the reason may pass by itself, so that trying again makes sense.
    func deadLetter(_ delivery: EventDelivery, reason: String, passes: Bool) async throws

    /// Has a delivery come again after a pause, behind those that come meanwhile.
    ///
    /// - Returns: false where the stream can't do that, or the delivery has come often enough.
    func comeAgain(_ delivery: EventDelivery, reason: String) async throws -> Bool

    /// Says that the member lives, though it takes its time over what it has. Called every few seconds meanwhile.
    func keepPlace() async throws

    /// Leaves the group.
    func close() async
}

extension EventSubscription {
    package func deadLetter(_ delivery: EventDelivery, reason: String) async throws {
        try await deadLetter(delivery, reason: reason, passes: false)
    }

    package func comeAgain(_ delivery: EventDelivery, reason: String) async throws -> Bool { false }
}

/// An event and where it stands in its topic.
package struct EventDelivery: Sendable {
    package let topic: String
    package let partition: Int32
    package let offset: Int64
    package let key: [UInt8]
    package let value: [UInt8]
    package let headers: [(name: String, value: [UInt8])]
    /// The event, or why the bytes are not one.
    package let event: Result<DomainEvent, EventDecodingError>
    /// Another deployment's, which publishes to the same topics.
    package let isForeign: Bool

    package init(
        topic: String, partition: Int32, offset: Int64, key: [UInt8], value: [UInt8],
        headers: [(name: String, value: [UInt8])], event: Result<DomainEvent, EventDecodingError>,
        isForeign: Bool = false
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.key = key
        self.value = value
        self.headers = headers
        self.event = event
        self.isForeign = isForeign
    }
}
