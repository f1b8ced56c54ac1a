import ClientSupport
import Foundation
import Logging
import QuartetCore
import QuartetTesting
import RabbitMQ
import Testing

@testable import QuartetStack
@testable import QuartetStores

/// The exchange is everybody's: each test has a virtual host of its own.
@Suite(.timeLimit(.minutes(5)), .serialized) struct RabbitEventStreamTests {
    @Test(arguments: EventStreamConformance.behaviours)
    func conforms(_ behaviour: Conformance<EventStreamSubject>) async throws {
        let rabbit = try await EventRabbit(queues: ["round-trip", "redelivery", "poison", "silence"])
        let publisher = rabbit.publisher()
        let subject = EventStreamSubject(
            publisher: RabbitEventPublisher(publisher: publisher, events: rabbit.events),
            subscribe: { rabbit.subscribe($0, publisher) },
            publishPoison: { value, _, topic in
                let type = try #require(EventType.all.first { $0.topic == topic })
                try await publisher.send(
                    RabbitMessage(exchange: RabbitEvents.exchange, routingKey: type.routingKey, body: value))
            },
            deadLetter: { _ in
                let letter = try await rabbit.letters(publisher, queue: "poison")[0]
                var headers = Dictionary(letter.headers.map { ($0.name, $0.value) }) { _, last in last }
                headers["dlq_reason"] = Array(letter.reason.utf8)
                return (letter.value, headers)
            })
        try await behaviour.check(subject)
        await publisher.close(deadline: .after(.seconds(2)))
    }

    @Test func lettersAreRedrivenOnceAndDroppedOnes() async throws {
        let rabbit = try await EventRabbit(queues: ["a"])
        let publisher = rabbit.publisher()
        let events = (0..<3).map(EventRabbit.event)
        try await RabbitEventPublisher(publisher: publisher, events: rabbit.events).publish(events)
        let subscription = rabbit.subscribe("a", publisher)
        let deliveries = try await rabbit.take(3, from: subscription)
        for delivery in deliveries { try await subscription.deadLetter(delivery, reason: "bad \(delivery.offset)") }
        try await subscription.commit(deliveries)

        let store = rabbit.store(publisher)
        let letters = try await rabbit.letters(publisher, queue: "a")
        #expect(letters.map(\.reason) == ["bad 1", "bad 2", "bad 3"])
        #expect(letters.map(\.place) == (try await rabbit.letters(publisher, queue: "a")).map(\.place))
        #expect(letters[0].header("ce_id") == "0" && letters[0].key == Array("p".utf8))
        try await store.redrive([letters[1]])
        try await store.redrive([letters[1]])
        try await store.drop([letters[0]])
        let again = try await rabbit.take(1, from: subscription)
        #expect(try again[0].event.get() == events[1])
        #expect(again[0].topic == EventTopic.product.rawValue)
        #expect(try await rabbit.letters(publisher, queue: "a") == [letters[2]])
        await subscription.close()
    }

    @Test func whatIsTooMuchForAHeaderIsCut() async throws {
        let rabbit = try await EventRabbit(queues: ["a"])
        let publisher = rabbit.publisher()
        let large = RabbitMessage(
            exchange: "", routingKey: "a", headers: [RabbitHeader("large", String(repeating: "x", count: 129_000))],
            body: [1, 2])
        try await publisher.send(large)
        let subscription = rabbit.subscribe("a", publisher)
        let delivery = try await rabbit.take(1, from: subscription)[0]
        try await subscription.deadLetter(delivery, reason: String(repeating: "long ", count: 4000))
        let letter = try await rabbit.letters(publisher, queue: "a")[0]
        #expect(letter.isCut && letter.value == [1, 2] && letter.header("large") == nil)
        await subscription.close()
    }

    @Test(arguments: [false, true])
    func whatCanNotBeAppliedComesAgainBehindItsNeighboursAndNotForEver(_ isQuorum: Bool) async throws {
        let rabbit = try await EventRabbit(queues: ["a"], isQuorum: isQuorum)
        let publisher = rabbit.publisher()
        let events = (0..<2).map(EventRabbit.event)
        try await RabbitEventPublisher(publisher: publisher, events: rabbit.events).publish(events)
        let subscription = rabbit.subscribe("a", publisher)
        var delivery = try await rabbit.take(2, from: subscription)[0]
        for _ in 1..<3 {
            #expect(try await subscription.comeAgain(delivery, reason: "not yet"))
            try await subscription.commit([delivery])
            delivery = try await rabbit.take(1, from: subscription)[0]
            #expect(try delivery.event.get() == events[0])
        }
        #expect(try await subscription.comeAgain(delivery, reason: "not yet") == false)
        await subscription.close()
    }

    @Test func aQueueThatIsGoneIsMadeAgainAndItsTopicsAreTold() async throws {
        let rabbit = try await EventRabbit(queues: ["a"])
        let publisher = rabbit.publisher()
        let events = RabbitEventPublisher(publisher: publisher, events: rabbit.events)
        try await events.publish([EventRabbit.event(0)])
        #expect(try await events.topicsWithLostLogs() == [])
        #expect(try await rabbit.server.control(["delete_queue", "--vhost", rabbit.virtualHost, "a"]))
        let error = await #expect(throws: RabbitError.self) { try await events.publish([EventRabbit.event(1)]) }
        #expect(error?.code == .unroutable)
        #expect(try await events.topicsWithLostLogs() == [.analysis, .product])
        try await events.publish([EventRabbit.event(1)])
        // Nobody takes these in, and nobody has to.
        let alert = DomainEvent(
            id: "f", type: .consistencyFinding, aggregateID: "f", version: 1, payload: [], occurredAt: .now)
        try await events.publish([alert])
    }
}

/// A virtual host as one test sees it.
private struct EventRabbit: Sendable {
    private static let shared = Task { try await TestStack.privateRabbit() }
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let server: RabbitServer
    let virtualHost = TestStack.uniqueName("events")
    let configuration: RabbitConfiguration
    let events: RabbitEvents

    init(queues: [String], isQuorum: Bool = false) async throws {
        server = try await Self.shared.value
        try #require(try await server.control(["add_vhost", virtualHost]))
        try #require(try await server.control(["set_permissions", "--vhost", virtualHost, "guest", ".*", ".*", ".*"]))
        configuration = RabbitConfiguration(port: server.port, virtualHost: virtualHost)
        events = RabbitEvents(
            queues: queues.map { RabbitEventQueue(name: $0, topics: [.analysis, .product]) }, isQuorum: isQuorum)
        _ = try await RabbitAdmin(configuration, logger: Self.logger).declare(events.topology)
    }

    static func event(_ number: Int) -> DomainEvent {
        DomainEvent(
            id: "\(number)", type: .productUpdated, aggregateID: "p", version: Int64(number + 1),
            payload: ProductPayload(name: "P").json, occurredAt: Date(timeIntervalSince1970: 1_700_000_000))
    }

    func publisher() -> RabbitPublisher {
        RabbitPublisher(configuration, topology: events.topology, logger: Self.logger)
    }

    func subscribe(_ name: String, _ publisher: RabbitPublisher) -> RabbitEventSubscription {
        var settings = RabbitSubscriptionConfiguration()
        settings.triesMax = 3
        settings.retryDelay = .milliseconds(20)
        let queue = RabbitEventQueue(name: name, topics: [.analysis, .product])
        return RabbitEventSubscription(
            consumer: RabbitConsumer(configuration, queue: name, logger: Self.logger), publisher: publisher,
            queue: queue, configuration: settings)
    }

    func store(_ publisher: RabbitPublisher) -> RabbitDeadLetterStore {
        RabbitDeadLetterStore(
            queues: events.queues, rabbit: configuration, publisher: { publisher }, logger: Self.logger)
    }

    /// What was put aside from one queue, in pages.
    func letters(_ publisher: RabbitPublisher, queue: String) async throws -> [DeadLetter] {
        var letters: [DeadLetter] = []
        try await store(publisher).forEachPage { letters += $0 }
        #expect(letters.allSatisfy { $0.place.topic == "\(queue).dlq" })
        return letters
    }

    func take(_ count: Int, from subscription: any EventSubscription) async throws -> [EventDelivery] {
        var deliveries: [EventDelivery] = []
        while deliveries.count < count { deliveries += try await subscription.next(limit: 10, timeout: .seconds(20)) }
        return deliveries
    }
}

extension RabbitPublisher {
    fileprivate func send(_ message: RabbitMessage) async throws {
        for result in try await publish([message]) { try result.get() }
    }
}
