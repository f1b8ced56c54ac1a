/// A topic to be made.
package struct KafkaTopic: Sendable, Hashable {
    package var name: String
    package var partitions: Int
    /// How many brokers have each record; nil for as many as the broker chooses.
    package var replicas: Int?
    /// Kafka's own keys of a topic, such as `retention.ms`.
    package var settings: [String: String]

    package init(_ name: String, partitions: Int, replicas: Int? = nil, settings: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.replicas = replicas
        self.settings = settings
    }
}

/// What a broker answers to a topic that it is to make.
package enum KafkaTopicOutcome: Sendable, Hashable {
    case made
    /// It was there before, and is as it was.
    case wasThere
    case refused(KafkaError)
}
