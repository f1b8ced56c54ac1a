import Kafka
import Logging
import Market
import Testing

@testable import QuartetService

/// How orders from outside are taken in, by the configuration.
struct OrderSettingsTests {
    @Test func theirTopicHasItsOwnPartitions() throws {
        let configuration = try loaded(["ORDERS_PARTITIONS": "11", "KAFKA_PREFIX": "eu."])
        #expect(configuration.orders.consumers == 9)
        let clients = try StoreClients(configuration, role: "test", logger: Logger(label: "test"))
        let topics = EventTopics(
            settings: configuration.kafka, partitions: [.shopOrders: configuration.orders.partitions],
            kafka: clients.kafka, logger: Logger(label: "test")
        ).topics
        let partitions = Dictionary(topics.map { ($0.name, $0.partitions) }) { first, _ in first }
        #expect(partitions["eu.shop.orders"] == 11)
        #expect(partitions["eu.shop.orders.dlq"] == 6 && partitions["eu.user.events"] == 6)
        #expect(try refusal(environment: ["ORDERS_CONSUMERS": "-1"]).key == "orders.consumers")
    }
}
