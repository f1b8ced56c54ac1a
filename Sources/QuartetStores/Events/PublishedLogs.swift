import Kafka
import QuartetCore

/// How far each partition is known to have been written.
struct PublishedLogs {
    private(set) var ends: [EventTopic: [Int32: Int64]] = [:]
    /// Those that looked lost at the last look.
    private var suspects: Set<EventTopic> = []
    private var lost: Set<EventTopic> = []

    mutating func wrote(_ delivery: KafkaDelivery, to topic: EventTopic) {
        ends[topic, default: [:]][delivery.partition, default: 0].raise(to: delivery.offset + 1)
    }

    mutating func takeLost() -> Set<EventTopic> {
        defer { lost = [] }
        return lost
    }

    /// The log is another one than that of which `known` tells, if two looks in a row say so.
    mutating func saw(_ marks: [KafkaWatermarks], of topic: EventTopic, known: [Int32: Int64]?) {
        let present = Dictionary(marks.map { ($0.partition, $0.high) }, uniquingKeysWith: max)
        let isLost =
            known.map { $0.contains { (present[$0.key] ?? 0) < $0.value } } ?? present.values.allSatisfy { $0 == 0 }
        if isLost, suspects.insert(topic).inserted {
            // A broker that has just come up may not know its topics yet: the next look tells.
        } else if isLost {
            suspects.remove(topic)
            lost.insert(topic)
            ends[topic] = present
        } else {
            suspects.remove(topic)
            for (partition, end) in present { ends[topic, default: [:]][partition, default: 0].raise(to: end) }
            if ends[topic] == nil { ends[topic] = [:] }
        }
    }
}

extension Int64 {
    fileprivate mutating func raise(to other: Int64) { self = Swift.max(self, other) }
}
