import ClientSupport
import Kafka
import Market
import QuartetCore
import QuartetStores
import RabbitMQ

extension Composition {
    /// Publishes orders of random users and products to `shop.orders`, as a shop would: of those that the aging caches have, or
    /// that the market knows.
    ///
    /// - Parameters:
    ///   - duration: until cancelled for nil.
    ///   - observe: told how many more were published.
    /// - Returns: how many were.
    /// - Throws: `ConfigurationError` while the market knows no user or no product.
    @discardableResult
    package func simulateOrders(
        perSecond rate: Int, for duration: Duration?, observe: (Int) -> Void
    ) async throws -> Int {
        guard
            let orders = try await RandomOrders(
                users: cached("users"), products: cached("products"), databases: clients.databases)
        else {
            throw ConfigurationError(
                key: "simulate", problem: "the market knows no user or no product: make some, and run quartet project")
        }
        let step = Duration.milliseconds(100)
        let started = ContinuousClock.now
        var (sent, next) = (0, started)
        while !Task.isCancelled {
            let elapsed = started.duration(to: .now)
            let counted = min(elapsed, duration ?? elapsed)
            // At least one of a rate that is slow.
            let due = Int(counted.seconds * Double(rate)) + 1 - sent
            for start in stride(from: 0, to: due, by: Self.ordersPerCallMax) {
                let count = min(Self.ordersPerCallMax, due - start)
                try await publish((0..<count).map { _ in orders.make() })
                sent += count
                observe(count)
            }
            // What a slow publisher kept waiting is made up for.
            if let duration, elapsed >= duration { break }
            next = max(next + step, .now)
            try await ContinuousClock().sleep(until: min(next, duration.map { started + $0 } ?? next))
        }
        return sent
    }

    /// The ids of some that an aging cache has.
    private func cached(_ name: String) async -> [String] {
        (try? await ports.aging.random(1_000, of: name))?.rows.map(\.id) ?? []
    }

    private static var ordersPerCallMax: Int { 2_000 }

    private func publish(_ orders: [(id: String, json: [UInt8])]) async throws {
        let type = EventType.shopOrderPlaced
        switch configuration.routes.bus(of: type.topic) {
        case .kafka:
            let topic = configuration.kafka.naming.topic(type.topic)
            let records = orders.map { KafkaRecord(topic: topic, key: Array($0.id.utf8), value: $0.json) }
            for result in try await clients.producer().send(records) { _ = try result.get() }
        case .rabbitmq:
            let messages = orders.map {
                RabbitMessage(
                    exchange: RabbitEvents.exchange, routingKey: type.routingKey, headers: [], body: $0.json,
                    isMandatory: true)
            }
            let sent = try await clients.rabbit.publisher().publish(messages, deadline: .after(.seconds(30)))
            for result in sent { try result.get() }
        }
    }
}
