import ClientSupport
import Foundation
import Kafka
import Logging
import QuartetCore
import QuartetStack
import QuartetTesting
import Testing

@testable import QuartetStores

/// One after the other, since the topics' names are given.
@Suite(.timeLimit(.minutes(5)), .serialized) struct KafkaEventStreamTests {
    static let cases = TestBroker.present.flatMap { kind in
        EventStreamConformance.behaviours.map { (kind, $0) }
    }

    @Test(arguments: cases)
    func conforms(_ kind: TestBroker, _ behaviour: Conformance<EventStreamSubject>) async throws {
        try await withKafka(kind) { kafka, producer in
            let subject = EventStreamSubject(
                publisher: KafkaEventPublisher(producer: producer) { _ in [] },
                subscribe: { try kafka.subscribe(group: $0, deadLetters: producer) },
                publishPoison: { value, key, topic in
                    try await kafka.send(KafkaRecord(topic: topic.rawValue, key: key, value: value), by: producer)
                },
                deadLetter: { topic in
                    let record = try await kafka.first(of: topic.deadLetters)
                    let headers = Dictionary(record.headers.map { ($0.name, $0.value) }) { _, last in last }
                    return (record.value ?? [], headers)
                })
            try await behaviour.check(subject)
        }
    }

    @Test(arguments: TestBroker.present)
    func deadLettersKeepKeyAndHeaders(_ kind: TestBroker) async throws {
        try await withKafka(kind) { kafka, producer in
            let record = KafkaRecord(
                topic: "analysis.events", key: [1, 2], value: [0xFF], headers: [KafkaHeader("traceparent", "00-1")])
            let letter = try await kafka.putAside(record, reason: "bad", by: producer)
            #expect(letter.key == [1, 2])
            #expect(letter.header("traceparent") == Array("00-1".utf8))
            #expect(letter.header("dlq_truncated") == nil)
        }
    }

    /// Headers come on top of what the topic took: such a record fits its own topic alone.
    @Test(arguments: TestBroker.present)
    func aDeadLetterThatIsTooLargeIsCut(_ kind: TestBroker) async throws {
        try await withKafka(kind) { kafka, producer in
            let value = [UInt8]((0..<999_900).map { UInt8(truncatingIfNeeded: $0 % 251) })
            let record = KafkaRecord(topic: "analysis.events", key: [1], value: value)
            let letter = try await kafka.putAside(record, reason: String(repeating: "long ", count: 40), by: producer)
            #expect(letter.value == Array(value.prefix(65_536)))
            #expect(letter.key == [1])
            #expect(letter.header("dlq_truncated") == Array("999900".utf8))
        }
    }

    @Test(arguments: TestBroker.present)
    func whatIsLargeAroundTheValueIsLeftOut(_ kind: TestBroker) async throws {
        try await withKafka(kind) { kafka, producer in
            let record = KafkaRecord(
                topic: "analysis.events", key: [UInt8](repeating: 1, count: 400_000), value: [1, 2],
                headers: [KafkaHeader("large", [UInt8](repeating: 2, count: 599_850))])
            let letter = try await kafka.putAside(record, reason: String(repeating: "long ", count: 40), by: producer)
            #expect(letter.key == nil)
            #expect(letter.header("large") == nil)
            #expect(letter.value == [1, 2])
            #expect(letter.header("dlq_truncated") == Array("2".utf8))
        }
    }

    @Test func brokersThatAreAwayFailThePublishing() async throws {
        try await withKafka(.embedded) { kafka, producer in
            let event = DomainEvent(
                id: "1", type: .productUpdated, aggregateID: "p", version: 1,
                payload: ProductPayload(name: "P").json, occurredAt: .now)
            let publisher = KafkaEventPublisher(producer: producer, timeout: .seconds(2)) { _ in [] }
            await kafka.broker.stop()
            let error = await #expect(throws: KafkaError.self) { try await publisher.publish([event]) }
            #expect(error?.isRetriable == true)
            // The next relay run publishes it again.
            try await kafka.broker.start()
            try await KafkaEventPublisher(producer: producer) { _ in [] }.publish([event])
        }
    }
}

private func withKafka(
    _ kind: TestBroker, _ body: (EventKafka, KafkaProducer) async throws -> Void
) async throws {
    let kafka = try await EventKafka(kind)
    let producer = try KafkaProducer(kafka.configuration, logger: EventKafka.logger)
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await body(kafka, producer))
    } catch {
        outcome = .failure(error)
    }
    await producer.close(deadline: .after(.seconds(2)))
    if kind == .embedded { await kafka.broker.close() }
    try outcome.get()
}

/// A broker as one test sees it: without the events of earlier tests, since Apache Kafka is shared.
private struct EventKafka: Sendable {
    static let logger = Logger(label: "test")
    static let topics = [EventTopic.analysis, .product].flatMap { [$0.rawValue, $0.deadLetters] }

    let broker: any LocalBroker
    private let name = TestStack.uniqueName("events")
    /// Where what this test sees begins.
    private let marks: [KafkaPartition: Int64]

    init(_ kind: TestBroker) async throws {
        guard kind == .apache else {
            (broker, marks) = (try await kind.start(), [:])
            return
        }
        broker = try await kind.shared
        let configuration = Self.configuration(of: broker)
        let admin = try KafkaAdmin(configuration, logger: Self.logger)
        _ = try await admin.make(Self.topics.map { KafkaTopic($0, partitions: 4) }, deadline: .after(.seconds(30)))
        let reader = try KafkaConsumer(configuration, options: KafkaConsumerOptions(), logger: Self.logger)
        var marks: [KafkaPartition: Int64] = [:]
        for topic in Self.topics {
            for mark in try await reader.watermarks(topic: topic, deadline: .after(.seconds(30))) {
                marks[KafkaPartition(topic: topic, partition: mark.partition)] = mark.high
            }
        }
        await reader.close(deadline: .after(.seconds(2)))
        self.marks = marks
    }

    var configuration: KafkaConfiguration { Self.configuration(of: broker) }

    private static func configuration(of broker: any LocalBroker) -> KafkaConfiguration {
        KafkaConfiguration(brokers: broker.url.split(separator: ",").map(String.init))
    }

    func send(_ record: KafkaRecord, by producer: KafkaProducer) async throws {
        for result in try await producer.send([record]) { _ = try result.get() }
    }

    func subscribe(group: String, deadLetters: KafkaProducer) throws -> any EventSubscription {
        var options = KafkaConsumerOptions(group: "\(name).\(group)", topics: ["analysis.events", "product.events"])
        // What suits the embedded broker: it does not wake a fetch, and rebalances by the session's length.
        options.fetchWaitMax = .milliseconds(20)
        options.sessionTimeout = .seconds(4)
        let consumer = try KafkaConsumer(configuration, options: options, logger: Self.logger)
        return LaterEvents(base: KafkaEventSubscription(consumer: consumer, deadLetters: deadLetters), marks: marks)
    }

    /// The first record of a topic; waits for it.
    func first(of topic: String) async throws -> KafkaConsumedRecord {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        let consumer = try KafkaConsumer(configuration, options: options, logger: Self.logger)
        try await consumer.assign(
            (0..<Int32(4)).map {
                let place = KafkaPartition(topic: topic, partition: $0)
                return KafkaOffset(place, offset: marks[place] ?? KafkaOffset.earliest)
            })
        var records: [KafkaConsumedRecord] = []
        while records.isEmpty { records = try await consumer.poll(max: 1, timeout: .seconds(20)) }
        await consumer.close(deadline: .after(.seconds(2)))
        return records[0]
    }

    /// Sends a record, has it put aside, and returns what that became. It says where the record stood.
    func putAside(
        _ record: KafkaRecord, reason: String, by producer: KafkaProducer
    ) async throws -> KafkaConsumedRecord {
        try await send(record, by: producer)
        let subscription = try subscribe(group: "aside", deadLetters: producer)
        var deliveries: [EventDelivery] = []
        while deliveries.isEmpty { deliveries = try await subscription.next(limit: 1, timeout: .seconds(20)) }
        try await subscription.deadLetter(deliveries[0], reason: reason)
        await subscription.close()
        let letter = try await first(of: record.topic + ".dlq")
        #expect(letter.header("dlq_reason") == Array(reason.utf8))
        #expect(letter.header("dlq_partition") == Array("\(deliveries[0].partition)".utf8))
        #expect(letter.header("dlq_offset") == Array("\(deliveries[0].offset)".utf8))
        return letter
    }
}

/// A subscription without what stood in its topics before.
private struct LaterEvents: EventSubscription {
    let base: KafkaEventSubscription
    let marks: [KafkaPartition: Int64]

    func next(limit: Int, timeout: Duration) async throws -> [EventDelivery] {
        try await base.next(limit: limit, timeout: timeout).filter {
            $0.offset >= marks[KafkaPartition(topic: $0.topic, partition: $0.partition)] ?? 0
        }
    }

    func commit(_ deliveries: [EventDelivery]) async throws { try await base.commit(deliveries) }

    func deadLetter(_ delivery: EventDelivery, reason: String, passes: Bool) async throws {
        try await base.deadLetter(delivery, reason: reason, passes: passes)
    }

    func keepPlace() async throws { try await base.keepPlace() }
    func close() async { await base.close() }
}
