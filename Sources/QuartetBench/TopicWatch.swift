import ClientSupport
import Kafka
import Logging
import QuartetCore

/// How far a topic is, and who reads it from its end on.
struct TopicWatch: Sendable {
    private static let pollTimeout = Duration.milliseconds(100)

    let topic: EventTopic
    let kafka: KafkaConfiguration
    let fetchWait: Duration
    let logger: Logger

    func reader() throws -> KafkaConsumer {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = fetchWait
        return try KafkaConsumer(kafka, options: options, logger: logger)
    }

    /// How many records the topic has had.
    func count(by reader: KafkaConsumer) async throws -> Int {
        do {
            return try await reader.watermarks(topic: topic.rawValue, deadline: .after(.seconds(10)))
                .reduce(0) { $0 + Int($1.high) }
        } catch let error as KafkaError where error.saysThatTheTopicIsNotThere {
            return 0
        }
    }

    /// Has a consumer note the events of `times` that come while `body` runs.
    func consuming(_ times: EventTimes, _ body: () async throws -> Void) async throws {
        let consumer = try reader()
        let ends = try await consumer.watermarks(topic: topic.rawValue, deadline: .after(.seconds(10)))
        try await consumer.assign(
            ends.map { KafkaOffset(KafkaPartition(topic: topic.rawValue, partition: $0.partition), offset: $0.high) })
        let reading = Task {
            while !Task.isCancelled {
                for record in try await consumer.poll(timeout: Self.pollTimeout) {
                    times.note(.consumed, ofAggregate: String(decoding: record.key ?? [], as: UTF8.self))
                }
            }
        }
        do {
            try await body()
        } catch {
            reading.cancel()
            await consumer.close(deadline: .after(.seconds(2)))
            throw error
        }
        reading.cancel()
        await consumer.close(deadline: .after(.seconds(2)))
    }
}
