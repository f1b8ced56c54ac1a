import Foundation
package import QuartetCore
import Testing

/// A stream of events and what stands beside the ports: new members of groups, bytes that are no event, dead letters.
package struct EventStreamSubject: Sendable {
    package let publisher: any EventPublisher
    /// Joins a group that reads the analysis and product topics from their beginning.
    package let subscribe: @Sendable (_ group: String) async throws -> any EventSubscription
    package let publishPoison: @Sendable (_ value: [UInt8], _ key: [UInt8], _ topic: EventTopic) async throws -> Void
    /// The first bytes put aside from a topic, with their headers; waits for them.
    package let deadLetter: @Sendable (EventTopic) async throws -> (value: [UInt8], headers: [String: [UInt8]])

    package init(
        publisher: any EventPublisher,
        subscribe: @escaping @Sendable (_ group: String) async throws -> any EventSubscription,
        publishPoison: @escaping @Sendable (_ value: [UInt8], _ key: [UInt8], _ topic: EventTopic) async throws -> Void,
        deadLetter: @escaping @Sendable (EventTopic) async throws -> (value: [UInt8], headers: [String: [UInt8]])
    ) {
        self.publisher = publisher
        self.subscribe = subscribe
        self.publishPoison = publishPoison
        self.deadLetter = deadLetter
    }
}

/// What every pair of ``EventPublisher`` and ``EventSubscription`` does.
package enum EventStreamConformance {
    package static let behaviours: [Conformance<EventStreamSubject>] = [
        Conformance("events come back as they were published, in order per aggregate", roundTrip),
        Conformance("what was not committed is delivered again, what was is not", redelivery),
        Conformance("bytes that are no event are told apart and put aside as they are", poison),
        Conformance("nothing new is an empty batch", silence),
    ]

    private static func roundTrip(_ subject: EventStreamSubject) async throws {
        let events = try (0..<90).map { try makeEvent($0) }
        try await subject.publisher.publish([])
        try await subject.publisher.publish(Array(events[..<50]))
        try await subject.publisher.publish(Array(events[50...]))
        let subscription = try await subject.subscribe("round-trip")
        let deliveries = try await take(90, from: subscription)
        let received = try deliveries.map { try $0.event.get() }
        #expect(Set(received) == Set(events))
        for (aggregate, expected) in Dictionary(grouping: events, by: \.aggregateID) {
            #expect(received.filter { $0.aggregateID == aggregate } == expected)
        }
        #expect(deliveries.allSatisfy { (try? $0.event.get())?.aggregateID == String(decoding: $0.key, as: UTF8.self) })
        await subscription.close()
    }

    private static func redelivery(_ subject: EventStreamSubject) async throws {
        // One aggregate, so that order is certain.
        let events = try (0..<10).map { try makeEvent($0 * 3) }
        try await subject.publisher.publish(events)
        let first = try await subject.subscribe("redelivery")
        let deliveries = try await take(10, from: first)
        try await first.commit(Array(deliveries[..<4]))
        await first.close()

        let second = try await subject.subscribe("redelivery")
        let again = try await take(6, from: second)
        #expect(try again.map { try $0.event.get() } == Array(events[4...]))
        // Committing the last says that all before it are done.
        try await second.commit([again[5]])
        await second.close()

        let later = try makeEvent(300)
        try await subject.publisher.publish([later])
        let third = try await subject.subscribe("redelivery")
        #expect(try await take(1, from: third).map { try $0.event.get() } == [later])
        await third.close()
    }

    private static func poison(_ subject: EventStreamSubject) async throws {
        let event = try makeEvent(0)
        let bytes: [UInt8] = [0xFF, 0x00, 0x7B, 0x22]
        let topic = event.type.topic
        try await subject.publishPoison(bytes, Array(event.aggregateID.utf8), topic)
        try await subject.publisher.publish([event])
        let subscription = try await subject.subscribe("poison")
        let deliveries = try await take(2, from: subscription)
        #expect(deliveries[0].value == bytes)
        #expect(deliveries[0].topic == topic.rawValue)
        #expect(throws: EventDecodingError.self) { try deliveries[0].event.get() }
        #expect(try deliveries[1].event.get() == event)

        try await subscription.deadLetter(deliveries[0], reason: "no event")
        let letter = try await subject.deadLetter(topic)
        #expect(letter.value == bytes)
        #expect(letter.headers["dlq_reason"].map { String(decoding: $0, as: UTF8.self) } == "no event")
        #expect(letter.headers[DeadLetter.passingHeader] == nil)
        try await subscription.commit(deliveries)
        await subscription.close()
    }

    private static func silence(_ subject: EventStreamSubject) async throws {
        let subscription = try await subject.subscribe("silence")
        #expect(try await subscription.next(limit: 10, timeout: .milliseconds(10)).isEmpty)
        try await subscription.commit([])
        await subscription.close()
    }

    private static func take(_ count: Int, from subscription: any EventSubscription) async throws -> [EventDelivery] {
        var deliveries: [EventDelivery] = []
        while deliveries.count < count {
            deliveries += try await subscription.next(limit: 40, timeout: .seconds(20))
        }
        try #require(deliveries.count == count)
        return deliveries
    }

    /// Events of three aggregates in turn, with odd values in every field.
    private static func makeEvent(_ number: Int) throws -> DomainEvent {
        let types: [EventType] = [.analysisCompleted, .productUpdated, .analysisRequested]
        let product = try #require(ProductID("p:\(number % 3)"))
        let aggregates = ["01890a5d-ac96-774b-bcce-b302099a8057", product.text, "01890a5d-ac96-774b-bcce-b302099a8058"]
        return DomainEvent(
            id: "0-\(number)-1", type: types[number % 3], aggregateID: aggregates[number % 3],
            version: Int64(number) + 1_700_000_000_123_456,
            payload: AnalysisPayload(productID: product, generation: 1 + number % 2).json,
            occurredAt: Date(timeIntervalSince1970: Double(1_700_000_000_000_000 + number * 1_234_567) / 1_000_000),
            trace: number % 2 == 0 ? nil : "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    }
}
