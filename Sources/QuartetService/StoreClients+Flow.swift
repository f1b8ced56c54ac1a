import Catalog
import Kafka
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetRoles
import QuartetStores
import RabbitMQ

extension StoreClients {
    /// Looks how far the invalidators are behind, over each bus that carries what they take in. Without brokers nobody tells.
    func invalidationFlow(_ outboxes: [DatabaseName: PostgresOutboxStore]) -> any InvalidationFlow {
        let homes = Set([Table.products, .analysisResults].map { configuration.tables[$0].database })
        let outboxes = outboxes.filter { homes.contains($0.key) }.map(\.value)
        let wanted = Set(InvalidationHandler.topics)
        let (overKafka, overRabbit) = (
            configuration.routes.topics(over: .kafka).intersection(wanted),
            configuration.routes.topics(over: .rabbitmq).intersection(wanted)
        )
        var flows: [any InvalidationFlow] = []
        if !overKafka.isEmpty { flows.append(kafkaFlow(outboxes, overKafka)) }
        if !overRabbit.isEmpty { flows.append(rabbitFlow(outboxes, overRabbit)) }
        return InvalidationFlows(flows)
    }

    private func kafkaFlow(
        _ outboxes: [PostgresOutboxStore], _ topics: Set<EventTopic>
    ) -> KafkaInvalidationFlow {
        var options = KafkaConsumerOptions(group: Composition.invalidators(configuration).group)
        options.joinsGroup = false
        let final = options
        let names = kafka.brokers.isEmpty ? [] : topics.map { ($0, configuration.kafka.naming.topic($0)) }
        return KafkaInvalidationFlow(outboxes: outboxes, topics: Dictionary(uniqueKeysWithValues: names)) {
            [kafka, logger] in try KafkaConsumer(kafka, options: final, logger: logger)
        }
    }

    private func rabbitFlow(
        _ outboxes: [PostgresOutboxStore], _ topics: Set<EventTopic>
    ) -> RabbitInvalidationFlow {
        let queue = rabbit.events.queues.first { $0.consumer == InvalidationHandler.name }
        let admin = Result { try rabbit.admin() }
        return RabbitInvalidationFlow(outboxes: outboxes, topics: topics) {
            guard let queue else { return nil }
            return try await admin.get().state(of: queue.name)
        }
    }
}
