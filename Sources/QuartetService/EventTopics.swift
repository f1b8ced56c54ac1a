import ClientSupport
import Kafka
import Logging
import QuartetCore
import QuartetStores

/// The topics that events go through, and those of their dead letters.
struct EventTopics {
    private static let timeout: Duration = .seconds(20)

    let settings: KafkaSettings
    /// Of topics that have others than the rest.
    let partitions: [EventTopic: Int]
    let kafka: KafkaConfiguration
    let logger: Logger

    /// Makes those that are not there, and leaves the others as they are; returns how many it made.
    ///
    /// - Throws: `ConfigurationError` that says what has to change before the cluster makes them.
    func make() async throws -> Int {
        let admin = try KafkaAdmin(kafka, logger: logger)
        let deadline = Deadline.after(Self.timeout)
        do {
            // Whoever may only see them need not be allowed to make them.
            let present = try await admin.topics(deadline: deadline)
            let missing = topics.filter { !present.contains($0.name) }
            guard !missing.isEmpty else { return 0 }
            let outcomes = try await admin.make(missing, deadline: deadline)
            return try missing.count { topic in
                switch outcomes[topic.name] {
                case .made: true
                case .wasThere, nil: false
                case .refused(let error): throw refusal(of: topic, error)
                }
            }
        } catch let error as KafkaError {
            throw ConfigurationError(key: "kafka.brokers", problem: "topics can't be made: \(error)")
        }
    }

    /// Those that there are to be.
    var topics: [KafkaTopic] {
        EventTopic.allCases.flatMap { topic in
            [
                make(settings.naming.topic(topic), partitions: partitions[topic] ?? settings.topicPartitions),
                make(settings.naming.deadLetters(of: topic), partitions: settings.topicPartitions),
            ]
        }
    }

    private func make(_ name: String, partitions: Int) -> KafkaTopic {
        KafkaTopic(
            name, partitions: partitions, replicas: settings.topicReplicas == 0 ? nil : settings.topicReplicas,
            settings: ["retention.ms": String(settings.topicRetention.wholeMilliseconds)])
    }

    private func refusal(of topic: KafkaTopic, _ error: KafkaError) -> ConfigurationError {
        let said = "the cluster does not make the topic \(topic.name): \(error.message)"
        switch error.name {
        case "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED":
            let who = settings.username.isEmpty ? "this client" : settings.username
            return ConfigurationError(
                key: "kafka.username",
                problem: "\(said); give \(who) the right Create on the cluster or on this topic, or make it beforehand")
        case "INVALID_REPLICATION_FACTOR":
            return ConfigurationError(
                key: "kafka.topics.replicas", problem: "\(said); it can't be more than there are brokers")
        case "INVALID_PARTITIONS": return ConfigurationError(key: "kafka.topics.partitions", problem: said)
        case "INVALID_CONFIG": return ConfigurationError(key: "kafka.topics.retention", problem: said)
        case "POLICY_VIOLATION":
            return ConfigurationError(
                key: "kafka.topics", problem: "\(said); set its keys to what the cluster's policy allows")
        default: return ConfigurationError(key: "kafka.topics", problem: said)
        }
    }
}
