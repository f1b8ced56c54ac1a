import CRDKafka
import Foundation
import Logging

/// What librdkafka's statistics say of how far a consumer is behind, partition by partition: by the leaders' own figures, which
/// came with the last fetch, and by what the group has committed.
struct ConsumerLag: Decodable {
    private struct Topic: Decodable {
        let partitions: [String: Partition]
    }

    private struct Partition: Decodable {
        let partition: Int32
        let committed: Int64
        let low: Int64
        let high: Int64

        enum CodingKeys: String, CodingKey {
            case partition
            case committed = "committed_offset"
            case low = "lo_offset"
            case high = "hi_offset"
        }
    }

    private let topics: [String: Topic]

    /// How many records of each partition the group has not committed; without those of which no leader has told yet.
    var records: [KafkaPartition: Int64] {
        var records: [KafkaPartition: Int64] = [:]
        for (name, topic) in topics {
            for partition in topic.partitions.values where partition.high >= 0 {
                let next = partition.committed >= 0 ? partition.committed : max(0, partition.low)
                records[KafkaPartition(topic: name, partition: partition.partition)] = max(0, partition.high - next)
            }
        }
        return records
    }
}

/// `rd_kafka_conf_set_stats_cb`: runs in a poll on the consumer's queue. Returns 0 for "free the text".
func statisticsCame(
    _: OpaquePointer?, _ text: UnsafeMutablePointer<CChar>?, _ size: Int, _ opaque: UnsafeMutableRawPointer?
) -> Int32 {
    guard let text, let opaque else { return 0 }
    let context = Unmanaged<ConsumerContext>.fromOpaque(opaque).takeUnretainedValue()
    do {
        let lag = try JSONDecoder().decode(ConsumerLag.self, from: Data(bytes: text, count: size))
        context.lags(lag.records)
    } catch {
        context.logger.debug("Kafka statistics can't be read", metadata: ["error": "\(error)"])
    }
    return 0
}
