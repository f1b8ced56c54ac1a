import ClientSupport
import Foundation
import Kafka
import Logging
import QuartetCore
import QuartetStack
import QuartetTesting
import Testing

@testable import QuartetStores

/// How far behind the caches may be, by the outbox and by what the group has committed.
@Suite(.timeLimit(.minutes(3))) struct KafkaInvalidationFlowTests {
    private static let logger = Logger(label: "test")

    @Test(arguments: TestBroker.present)
    func whatIsNotReadYetIsADelay(_ kind: TestBroker) async throws {
        let broker = try await kind.shared
        let kafka = KafkaConfiguration(brokers: broker.url.split(separator: ",").map(String.init))
        let naming = EventNaming(prefix: TestStack.uniqueName("flow") + ".")
        let group = naming.prefix + "invalidate"
        let producer = try KafkaProducer(kafka, logger: Self.logger)
        let publisher = KafkaEventPublisher(producer: producer, naming: naming) { _ in [] }
        try await publisher.publish([event(1)])

        let database = FakeDatabase()
        let flow = KafkaInvalidationFlow(
            outboxes: [FakeOutboxStore(database: database)], topics: [.product: naming.topic(.product)],
            timeout: .seconds(60)
        ) {
            var options = KafkaConsumerOptions(group: group)
            options.joinsGroup = false
            return try KafkaConsumer(kafka, options: options, logger: Self.logger)
        }
        // Something was published, and nobody has read it.
        #expect(try await flow.delays() == [:])

        var options = KafkaConsumerOptions(group: group, topics: [naming.topic(.product)])
        (options.fetchWaitMax, options.sessionTimeout) = (.milliseconds(20), .seconds(4))
        let subscription = KafkaEventSubscription(
            consumer: try KafkaConsumer(kafka, options: options, logger: Self.logger), deadLetters: producer,
            naming: naming)
        try await read(1, by: subscription)
        let began = ContinuousClock.now
        let first = try #require(try await flow.delays()[.product])
        let sinceFirst = ContinuousClock.now
        #expect(first <= began.duration(to: .now))

        try await publisher.publish([event(2)])
        let second = try #require(try await flow.delays()[.product])
        #expect(second >= first)
        #expect(second >= sinceFirst.duration(to: .now) - .milliseconds(50))
        try await read(1, by: subscription)
        let beforeThird = ContinuousClock.now
        // The third look finds all of it read.
        let third = try #require(try await flow.delays()[.product])
        #expect(third <= beforeThird.duration(to: .now))

        // What waits in the outbox is a delay too.
        let late = FakeDatabase(now: { Date(timeIntervalSinceNow: -100) })
        _ = try await FakeProductStore(database: late).put([(try #require(ProductID("p")), "a")])
        #expect(try await FakeOutboxStore(database: late).backlog(sink: .events, limit: 9).count == 1)
        await subscription.close()
        await flow.close()
        await producer.close(deadline: .after(.seconds(2)))
    }

    @Test func aBrokerThatIsAwayIsNoAnswer() async throws {
        let flow = KafkaInvalidationFlow(
            outboxes: [FakeOutboxStore(database: FakeDatabase())], topics: [.product: "product.events"]
        ) {
            var options = KafkaConsumerOptions(group: "g")
            options.joinsGroup = false
            let nowhere = KafkaConfiguration(brokers: ["127.0.0.1:9"])
            return try KafkaConsumer(nowhere, options: options, logger: Self.logger)
        }
        await #expect(throws: KafkaError.self) { try await flow.delays() }
        await flow.close()
    }

    @Test(arguments: TestBroker.present)
    func eventsOfAnotherDeploymentAreTold(_ kind: TestBroker) async throws {
        let broker = try await kind.shared
        let kafka = KafkaConfiguration(brokers: broker.url.split(separator: ",").map(String.init))
        let own = EventNaming(prefix: TestStack.uniqueName("deployment") + ".")
        let producer = try KafkaProducer(kafka, logger: Self.logger)
        let records = [EventNaming(), own].map { CloudEvent.record(of: event(1), naming: $0) }
        for record in records {
            let moved = KafkaRecord(
                topic: own.topic(.product), key: record.key, value: record.value, headers: record.headers)
            for result in try await producer.send([moved]) { _ = try result.get() }
        }
        var options = KafkaConsumerOptions(group: own.prefix + "g", topics: [own.topic(.product)])
        (options.fetchWaitMax, options.sessionTimeout) = (.milliseconds(20), .seconds(4))
        let subscription = KafkaEventSubscription(
            consumer: try KafkaConsumer(kafka, options: options, logger: Self.logger), deadLetters: producer,
            naming: own)
        var deliveries: [EventDelivery] = []
        while deliveries.count < 2 { deliveries += try await subscription.next(limit: 9, timeout: .seconds(20)) }
        #expect(deliveries.map(\.isForeign) == [true, false])
        await subscription.close()
        await producer.close(deadline: .after(.seconds(2)))
    }

    private func read(_ count: Int, by subscription: KafkaEventSubscription) async throws {
        var left = count
        while left > 0 {
            let deliveries = try await subscription.next(limit: 10, timeout: .seconds(20))
            try await subscription.commit(deliveries)
            left -= deliveries.count
        }
    }

    private func event(_ version: Int64) -> DomainEvent {
        DomainEvent(
            id: "\(version)", type: .productUpdated, aggregateID: "p", version: version,
            payload: ProductPayload(name: "P").json, occurredAt: .now)
    }
}
