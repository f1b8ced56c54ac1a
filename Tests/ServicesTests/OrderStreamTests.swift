import ClientSupport
import Foundation
import HTTPTypes
import Kafka
import Market
import QuartetCore
import QuartetDatabases
import QuartetRoles
import QuartetStack
import QuartetStores
import QuartetTesting
import Testing

/// Orders as they come in through the topic.
@Suite("Orders by Kafka", .timeLimit(.minutes(3))) struct OrderStreamTests {
    private static func order(_ id: String, user: String = House.buyer, _ fields: String = "") -> String {
        #"{"id": "\#(id)", "user_id": "\#(user)", "product_id": "상품-1"\#(fields)}"#
    }

    @Test("plain JSON and CloudEvents are stored once each, beside the same ones by HTTP at the same time")
    func bothWays() async throws {
        try await withStream { stream in
            try await stream.house.stockTheMarket()
            let orders = (1...300).map { Self.order("o-\($0)", #", "quantity": \#($0 % 7 + 1)"#) }
            let (plain, cloud) = (orders[..<200], orders[150...])
            try await stream.send(plain.map { ($0, []) })
            let headers = [KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_type", "com.shop.order")]
            try await stream.send(cloud.map { ($0, headers) })
            try await withThrowingTaskGroup { group in
                group.addTask { try await stream.take(350) }
                for half in [orders[100...], orders[..<100]] {
                    group.addTask {
                        let body = half.joined(separator: "\n")
                        let answer = try await stream.house.call(.post, "/v1/orders:import", body)
                        #expect(answer.status == 200, "\(answer.text)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await stream.letters().isEmpty)
            let house = stream.house
            for table in ["orders", "supplier_orders"] {
                #expect(try await house.marketCount("SELECT count(*) FROM {\(table)}") == 300)
            }
            let quantity = (1...300).reduce(0) { $0 + $1 % 7 + 1 }
            #expect(try await house.marketCount("SELECT sum(amount)::bigint FROM {orders}") == quantity * 12_000)
            let events = try await house.events(of: Table("orders")).filter { $0.hasPrefix("market.order.created") }
            #expect(events.count == 300 && Set(events).count == 300)
        }
    }

    @Test("an order of an unknown user waits and is stored once there is one; poison and conflicts stay aside")
    func unknown() async throws {
        try await withStream { stream in
            let house = stream.house
            try await house.stockTheMarket()
            try await stream.send(
                [
                    Self.order("o-1"), Self.order("o-2", user: House.stranger), "no order", Self.order("o-3"),
                    Self.order("o-1", #", "quantity": 5"#), #"{"id": "o-4", "user_id": "me", "product_id": "p"}"#,
                ].map { ($0, []) })
            try await stream.take(6)
            #expect(try await house.marketCount("SELECT count(*) FROM {orders}") == 2)
            let letters = try await stream.letters()
            let reasons = letters.map(\.reason).sorted()
            #expect(reasons.count == 4)
            #expect(reasons.filter { $0.contains("order o-2: there is no user \(House.stranger)") }.count == 1)
            #expect(reasons.filter { $0.contains("with another quantity") }.count == 1)
            #expect(reasons.filter { $0.hasPrefix("no order: ") }.count == 2, "\(reasons)")
            #expect(letters.filter { $0.timesPutAside == 1 }.map(\.reason).allSatisfy { $0.contains("o-2") })

            // Nobody knows the user yet: it waits again, and longer.
            #expect(try await stream.redrive() == 1)
            try await stream.take(1)
            #expect(try await stream.letters().compactMap(\.timesPutAside) == [2])
            try await house.apply(MarketUsersViewProjection(), .userCreated, House.stranger, #"{"region": "부산"}"#)
            #expect(try await stream.redrive() == 1)
            try await stream.take(1)
            #expect(try await house.call(.get, "/v1/orders/o-2").json["region"] as? String == "부산")
            #expect(try await stream.letters().count == 3)
        }
    }

    @Test("a consumer that dies between storing a batch and saying so changes nothing")
    func crash() async throws {
        try await withStream { stream in
            try await stream.house.stockTheMarket()
            try await stream.send((1...50).map { (Self.order("o-\($0)"), []) })
            await #expect(throws: Died.self) {
                try await stream.run { subscription, consumer in
                    while true { _ = try await consumer.runOnce(Dying(base: subscription)) }
                }
            }
            let stored = try await stream.house.marketCount("SELECT count(*) FROM {orders}")
            #expect(stored > 0)
            try await stream.take(50)
            #expect(try await stream.house.marketCount("SELECT count(*) FROM {orders}") == 50)
            let events = try await stream.house.events(of: Table("orders")).filter { $0.hasPrefix("market.") }
            #expect(events.count == 50)
            #expect(try await stream.letters().isEmpty)
        }
    }
}

private struct Died: Error {}

/// Dies before it says what is done.
private struct Dying: EventSubscription {
    let base: any EventSubscription

    func next(limit: Int, timeout: Duration) async throws -> [EventDelivery] {
        try await base.next(limit: limit, timeout: timeout)
    }

    func commit(_ deliveries: [EventDelivery]) async throws { throw Died() }
    func deadLetter(_ delivery: EventDelivery, reason: String, passes: Bool) async throws {}
    func keepPlace() async throws {}
    func close() async { await base.close() }
}

// MARK: The topic

/// A house beside a broker of its own.
private struct OrderStream: Sendable {
    let house: House
    let kafka: KafkaConfiguration
    let producer: KafkaProducer

    func send(_ orders: [(body: String, headers: [KafkaHeader])]) async throws {
        let records = orders.map {
            KafkaRecord(
                topic: "shop.orders", key: Array($0.body.utf8.prefix(20)), value: Array($0.body.utf8),
                headers: $0.headers)
        }
        for result in try await producer.send(records) { _ = try result.get() }
    }

    /// Takes in records until there were so many.
    func take(_ count: Int) async throws {
        try await run { subscription, consumer in
            var taken = 0
            while taken < count { taken += try await consumer.runOnce(subscription) }
            #expect(taken == count)
        }
    }

    /// A member of the group, for as long as `body` runs.
    func run(
        _ body: (any EventSubscription, EventConsumer<OrderHandler>) async throws -> Void
    ) async throws {
        var options = KafkaConsumerOptions(group: "orders", topics: ["shop.orders"])
        options.fetchWaitMax = .milliseconds(20)
        options.sessionTimeout = .seconds(4)
        let subscription = KafkaEventSubscription(
            consumer: try KafkaConsumer(kafka, options: options, logger: House.logger), deadLetters: producer)
        let handler = OrderHandler(orders: try OrderStore(databases: house.databases))
        let consumer = EventConsumer(
            configuration: EventConsumerConfiguration(), handler: handler, logger: House.logger
        ) { subscription }
        do {
            try await body(subscription, consumer)
        } catch {
            await subscription.close()
            throw error
        }
        await subscription.close()
    }

    private func store() throws -> KafkaDeadLetterStore {
        try KafkaDeadLetterStore(
            databases: house.databases, kafka: kafka, producer: { producer }, logger: House.logger)
    }

    func letters() async throws -> [DeadLetter] {
        var letters: [DeadLetter] = []
        try await store().forEachPage { letters += $0 }
        return letters
    }

    /// Tries again what may have become possible, as if a long time had passed.
    func redrive() async throws -> Int {
        let redriver = DeadLetterRedriver(
            configuration: Live(RedriveConfiguration()), letters: try store(), now: { .now.addingTimeInterval(7_200) },
            logger: House.logger)
        var starts: [DeadLetter.Source: Int64] = [:]
        return try await redriver.runOnce(from: &starts)
    }
}

private func withStream(_ body: @escaping @Sendable (OrderStream) async throws -> Void) async throws {
    let broker = try await TestBroker.embedded.start()
    let kafka = KafkaConfiguration(brokers: broker.url.split(separator: ",").map(String.init))
    let producer = try KafkaProducer(kafka, logger: House.logger)
    let outcome: Result<Void, any Error>
    do {
        try await House.open(.threeDatabases) { house in
            try await body(OrderStream(house: house, kafka: kafka, producer: producer))
        }
        outcome = .success(())
    } catch {
        outcome = .failure(error)
    }
    await producer.close(deadline: .after(.seconds(2)))
    await broker.close()
    try outcome.get()
}
