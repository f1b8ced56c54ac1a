import ClientSupport
import Kafka
import Logging
import QuartetCore
import QuartetStores

/// Kafka: the topics, and who is how far in them.
struct KafkaVisit: DoctorVisit {
    let settings: KafkaSettings
    let kafka: KafkaConfiguration
    /// Consumer groups and the topics that they read.
    let groups: [(name: String, topics: [String])]
    let topics: [EventTopic]
    let logger: Logger
    let deadline: @Sendable () -> Deadline

    let subject = "kafka"
    let key = "kafka.brokers"

    func lines() async throws -> [DoctorLine] {
        guard !kafka.brokers.isEmpty else {
            return [
                .problem(
                    subject, "no broker is named", advice: "set kafka.brokers: events wait in the outboxes until then")
            ]
        }
        let present = try await KafkaAdmin(kafka, logger: logger).topics(deadline: deadline())
        var lines: [DoctorLine] = [
            .ok(subject, "\(kafka.brokers.joined(separator: ",")), \(present.count) topics are there")
        ]
        lines += try await withConsumer(KafkaConsumerOptions()) { consumer in
            var lines: [DoctorLine] = []
            for topic in names {
                guard present.contains(topic) else {
                    lines.append(missing(topic))
                    continue
                }
                let marks = try await consumer.watermarks(topic: topic, deadline: deadline())
                let kept = marks.reduce(0) { $0 + $1.high - $1.low }
                lines.append(.ok("topic \(topic)", "\(marks.count) partitions, \(kept) records kept"))
            }
            return lines
        }
        for group in groups { lines.append(try await line(of: group, present)) }
        return lines
    }

    private var names: [String] {
        topics.flatMap { [settings.naming.topic($0), settings.naming.deadLetters(of: $0)] }.sorted()
    }

    /// A broker may make them when they are first used, and dead letters are rare.
    private func missing(_ topic: String) -> DoctorLine {
        if settings.topicPartitions > 0 {
            return .warning("topic \(topic)", "not there", advice: "run `quartet migrate`")
        }
        let words = "not there yet, and kafka.topics.partitions is 0, which leaves it to others to make it"
        return isOfDeadLetters(topic)
            ? .ok("topic \(topic)", words)
            : .warning(
                "topic \(topic)", words, advice: "make it, unless the brokers make topics when they are first used")
    }

    private func isOfDeadLetters(_ topic: String) -> Bool {
        topics.contains { settings.naming.deadLetters(of: $0) == topic }
    }

    private func line(of group: (name: String, topics: [String]), _ present: Set<String>) async throws -> DoctorLine {
        var options = KafkaConsumerOptions(group: group.name)
        options.joinsGroup = false
        let waiting = try await withConsumer(options) { consumer in
            var waiting: Int64 = 0
            for topic in group.topics where present.contains(topic) {
                waiting += try await consumer.uncommitted(topic: topic, deadline: deadline())
            }
            return waiting
        }
        return .ok("group \(group.name)", "\(waiting) records of \(group.topics.joined(separator: ", ")) wait for it")
    }

    private func withConsumer<Value>(
        _ options: KafkaConsumerOptions, _ body: (KafkaConsumer) async throws -> Value
    ) async throws -> Value {
        let consumer = try KafkaConsumer(kafka, options: options, logger: logger)
        do {
            let value = try await body(consumer)
            await consumer.close(deadline: .after(.seconds(1)))
            return value
        } catch {
            await consumer.close(deadline: .after(.seconds(1)))
            throw error
        }
    }
}

/// RabbitMQ: the queues.
struct RabbitVisit: DoctorVisit {
    let topology: @Sendable () async throws -> [EventQueueReport]

    let subject = "rabbitmq"
    let key = "rabbitmq.url"

    func lines() async throws -> [DoctorLine] {
        let reports = try await topology()
        return [.ok(subject, "exchange \(RabbitEvents.exchange), \(reports.count) queues")]
            + reports.map { report in
                let subject = "queue \(report.queue)"
                guard let messages = report.messages else {
                    return .problem(
                        subject, "not there", advice: "run `quartet migrate`, which also publishes again what it lost")
                }
                let words =
                    "\(messages) messages wait, \(report.consumers ?? 0) consumers, \(report.deadLetters ?? 0) put aside"
                guard report.deadLetters != nil else {
                    return .problem("\(subject).dlq", "not there", advice: "run `quartet migrate`")
                }
                return report.consumers == 0 && messages > 0
                    ? .warning(
                        subject, words, advice: "start a process with the role that reads it: invalidate, or project")
                    : .ok(subject, words)
            }
    }
}
