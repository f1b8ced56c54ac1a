import ClientSupport
import Kafka

/// Asks brokers how far topics go, by one consumer of the process that is made when it is first needed.
actor TopicReader {
    private static let timeout = Duration.seconds(10)

    private let make: @Sendable () throws -> KafkaConsumer
    private var consumer: KafkaConsumer?

    init(make: @escaping @Sendable () throws -> KafkaConsumer) {
        self.make = make
    }

    /// Of a topic that is not there, nothing.
    func watermarks(of topic: String) async throws -> [KafkaWatermarks] {
        let present = try consumer ?? make()
        consumer = present
        do {
            return try await present.watermarks(topic: topic, deadline: .after(Self.timeout))
        } catch let error as KafkaError where error.saysThatTheTopicIsNotThere {
            return []
        }
    }

    func close() async {
        await consumer?.close(deadline: .after(.seconds(2)))
        consumer = nil
    }
}
