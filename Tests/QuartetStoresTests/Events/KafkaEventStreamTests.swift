import ClientSupport
import Foundation
import Kafka
import Logging
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct KafkaEventStreamTests {
    @Test(arguments: EventStreamConformance.behaviours)
    func conforms(_ behaviour: Conformance<EventStreamSubject>) async throws {
        try await withKafka { kafka, producer in
            let subject = EventStreamSubject(
                publisher: KafkaEventPublisher(producer: producer) { _ in [] },
                subscribe: { try subscribe(kafka, group: $0, deadLetters: producer) },
                publishPoison: { value, key, topic in
                    let record = KafkaRecord(topic: topic.rawValue, key: key, value: value)
                    for result in try await producer.send([record]) { _ = try result.get() }
                },
                deadLetter: { topic in
                    let record = try await first(of: topic.deadLetters, kafka)
                    let headers = Dictionary(record.headers.map { ($0.name, $0.value) }) { _, last in last }
                    return (record.value ?? [], headers)
                })
            try await behaviour.check(subject)
        }
    }

    @Test func deadLettersKeepKeyAndHeaders() async throws {
        try await withKafka { kafka, producer in
            let record = KafkaRecord(
                topic: "analysis.events", key: [1, 2], value: [0xFF], headers: [KafkaHeader("traceparent", "00-1")])
            for result in try await producer.send([record]) { _ = try result.get() }
            let subscription = try subscribe(kafka, group: "g", deadLetters: producer)
            var deliveries: [EventDelivery] = []
            while deliveries.isEmpty { deliveries = try await subscription.next(limit: 1, timeout: .seconds(20)) }
            try await subscription.deadLetter(deliveries[0], reason: "bad")
            await subscription.close()
            let letter = try await first(of: "analysis.events.dlq", kafka)
            #expect(letter.key == [1, 2])
            #expect(letter.header("traceparent") == Array("00-1".utf8))
            #expect(letter.header("dlq_offset") == Array("0".utf8))
            #expect(letter.header("dlq_partition") == Array("\(deliveries[0].partition)".utf8))
        }
    }

    @Test func brokersThatAreAwayFailThePublishing() async throws {
        try await withKafka { kafka, producer in
            let event = DomainEvent(
                id: "1", type: .productUpdated, aggregateID: "p", version: 1,
                payload: ProductPayload(name: "P").json, occurredAt: .now)
            let publisher = KafkaEventPublisher(producer: producer, timeout: .seconds(2)) { _ in [] }
            await kafka.stop()
            let error = await #expect(throws: KafkaError.self) { try await publisher.publish([event]) }
            #expect(error?.isRetriable == true)
            // The next relay run publishes it again.
            try await kafka.start()
            try await KafkaEventPublisher(producer: producer) { _ in [] }.publish([event])
        }
    }
}

private func withKafka(_ body: (KafkaServer, KafkaProducer) async throws -> Void) async throws {
    let kafka = try await TestStack.privateKafka()
    let producer = try KafkaProducer(configuration(kafka), logger: Logger(label: "test"))
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await body(kafka, producer))
    } catch {
        outcome = .failure(error)
    }
    await producer.close(deadline: .after(.seconds(2)))
    await kafka.close()
    try outcome.get()
}

private func configuration(_ kafka: KafkaServer) -> KafkaConfiguration {
    KafkaConfiguration(brokers: kafka.url.split(separator: ",").map(String.init))
}

private func subscribe(
    _ kafka: KafkaServer, group: String, deadLetters: KafkaProducer
) throws -> KafkaEventSubscription {
    var options = KafkaConsumerOptions(group: group, topics: ["analysis.events", "product.events"])
    // What suits the cluster in this process: it does not wake a fetch, and rebalances by the session's length.
    options.fetchWaitMax = .milliseconds(20)
    options.sessionTimeout = .seconds(4)
    let consumer = try KafkaConsumer(configuration(kafka), options: options, logger: Logger(label: "test"))
    return KafkaEventSubscription(consumer: consumer, deadLetters: deadLetters)
}

/// The first record of a topic; waits for it.
private func first(of topic: String, _ kafka: KafkaServer) async throws -> KafkaConsumedRecord {
    var options = KafkaConsumerOptions()
    options.fetchWaitMax = .milliseconds(20)
    let consumer = try KafkaConsumer(configuration(kafka), options: options, logger: Logger(label: "test"))
    try await consumer.assign(
        (0..<4).map { KafkaOffset(KafkaPartition(topic: topic, partition: $0), offset: KafkaOffset.earliest) })
    var records: [KafkaConsumedRecord] = []
    while records.isEmpty { records = try await consumer.poll(max: 1, timeout: .seconds(20)) }
    await consumer.close(deadline: .after(.seconds(2)))
    return records[0]
}
