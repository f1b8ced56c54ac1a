import ClientSupport
import Foundation
import Kafka
import Logging
import QuartetCore
import QuartetService
import RabbitMQ

/// What RabbitMQ's exchange carries, in a queue of its own.
final class RabbitLedger: EventLedger {
    private static let queue = "storm.ledger"

    let book = EventBook()
    private let configuration: RabbitConfiguration
    private let logger: Logger

    init(_ configuration: RabbitConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    private var topology: RabbitTopology {
        var topology = RabbitTopology()
        topology.exchanges = [.init(Composition.eventExchange, .topic)]
        topology.queues = [.init(Self.queue)]
        topology.bindings = [.init(queue: Self.queue, to: Composition.eventExchange, for: "#")]
        return topology
    }

    func prepare() async throws {
        let admin = RabbitAdmin(configuration, logger: logger)
        _ = try await admin.declare(topology)
        await admin.disconnect()
    }

    func beginAgain() { book.beginAgain() }

    func unread(_ marks: (_ topic: String) async throws -> [KafkaWatermarks]) async throws -> Int {
        let admin = RabbitAdmin(configuration, logger: logger)
        let messages = try await admin.state(of: Self.queue)?.messages
        await admin.disconnect()
        return messages ?? 0
    }

    func readAgain() async throws -> EventBook? { nil }

    func run() async throws {
        let consumer = RabbitConsumer(configuration, queue: Self.queue, logger: logger)
        while !Task.isCancelled {
            do {
                let deliveries = try await consumer.next(max: 500, timeout: .milliseconds(200))
                for delivery in deliveries { note(delivery) }
                if let last = deliveries.last { try await consumer.acknowledge(last) }
            } catch {
                // The server is away, which is what storms are for.
                try? await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(100)))
            }
        }
        await consumer.close(deadline: .after(.seconds(2)))
    }

    private func note(_ delivery: RabbitDelivery) {
        book.note(
            delivery.text("ce_id") ?? "", type: delivery.text("ce_type") ?? "",
            aggregate: delivery.text("ce_subject") ?? "",
            version: delivery.text("ce_aggregateversion").flatMap { Int64($0) } ?? 0)
    }
}
