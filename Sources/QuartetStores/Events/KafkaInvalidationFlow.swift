import ClientSupport
package import Kafka
package import QuartetCore

/// How far behind the caches may be: what has waited longest in the outbox, and since when the group of those who invalidate
/// has committed all that was in the topics. Where nothing waits, nobody need be there to read it.
package actor KafkaInvalidationFlow: InvalidationFlow {
    /// The ends of a topic's partitions as they were, and when.
    private struct Ends {
        let since: ContinuousClock.Instant
        let offsets: [Int64]
    }

    private static let rowsMax = 16

    private let outboxes: [any OutboxStore]
    private let topics: [EventTopic: String]
    private let timeout: Duration
    private let make: @Sendable () throws -> KafkaConsumer
    private var consumer: KafkaConsumer?
    private var waitingFor: [EventTopic: Ends] = [:]
    private var reachedAt: [EventTopic: ContinuousClock.Instant] = [:]

    /// - Parameters:
    ///   - outboxes: those that the topics are filled from.
    ///   - topics: with the names that they have in Kafka.
    ///   - timeout: of each look at a topic.
    ///   - consumer: in the group, without joining it; made when it is first needed.
    package init(
        outboxes: [any OutboxStore], topics: [EventTopic: String], timeout: Duration = .seconds(1),
        consumer: @escaping @Sendable () throws -> KafkaConsumer
    ) {
        self.outboxes = outboxes
        self.topics = topics
        self.timeout = timeout
        make = consumer
    }

    package func delays() async throws -> [EventTopic: Duration] {
        var oldest = Duration.zero
        // Before the topics: what leaves the outbox meanwhile is seen there.
        for outbox in outboxes {
            oldest = max(oldest, try await outbox.backlog(sink: .events, limit: Self.rowsMax).oldest)
        }
        let consumer = try consumer ?? make()
        self.consumer = consumer
        var delays: [EventTopic: Duration] = [:]
        for (topic, name) in topics {
            let now = ContinuousClock.now
            let positions = try await consumer.groupPositions(topic: name, deadline: .after(timeout))
            if let ends = waitingFor[topic], Self.reached(ends.offsets, positions) {
                reachedAt[topic] = ends.since
                waitingFor[topic] = nil
            }
            let present = positions.map(\.high)
            if Self.reached(present, positions) {
                reachedAt[topic] = now
                waitingFor[topic] = nil
            } else if waitingFor[topic] == nil {
                waitingFor[topic] = Ends(since: now, offsets: present)
            }
            // Before anything was reached nothing is known.
            guard let reached = reachedAt[topic] else { continue }
            delays[topic] = oldest + reached.duration(to: .now)
        }
        return delays
    }

    package func close() async {
        await consumer?.close(deadline: .after(.seconds(2)))
        consumer = nil
    }

    private static func reached(_ ends: [Int64], _ positions: [KafkaGroupPosition]) -> Bool {
        guard ends.count <= positions.count else { return false }
        // In a log that was begun anew the group may stand behind its end.
        return zip(ends, positions).allSatisfy { (end, position) in
            (end...max(end, position.high)).contains(position.next)
        }
    }
}
