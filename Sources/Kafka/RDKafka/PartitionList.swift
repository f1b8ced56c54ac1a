import CRDKafka

/// Owns an `rd_kafka_topic_partition_list_t`.
struct PartitionList: ~Copyable {
    private let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ offsets: some Collection<KafkaOffset>) {
        pointer = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        for offset in offsets {
            rd_kafka_topic_partition_list_add(pointer, offset.position.topic, offset.position.partition)
                .pointee.offset = offset.offset
        }
    }

    /// Whole topics, to subscribe to.
    init(topics: [String]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(topics.count))
        for topic in topics { rd_kafka_topic_partition_list_add(pointer, topic, anyPartition) }
    }

    deinit {
        rd_kafka_topic_partition_list_destroy(pointer)
    }

    func withPointer<Value>(
        _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> Value
    ) -> Value {
        body(pointer)
    }
}

/// Stands for any partition; the macro casts, so Swift does not see it.
private let anyPartition: Int32 = -1

/// One entry of a list that librdkafka owns.
struct PartitionEntry {
    let offset: KafkaOffset
    let code: rd_kafka_resp_err_t
}

/// A copy of what a list that librdkafka owns holds.
func entries(of list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [PartitionEntry] {
    guard let list, let elements = list.pointee.elems else { return [] }
    return UnsafeBufferPointer(start: elements, count: Int(list.pointee.cnt)).map { element in
        let position = KafkaPartition(topic: String(cString: element.topic), partition: element.partition)
        return PartitionEntry(offset: KafkaOffset(position, offset: element.offset), code: element.err)
    }
}
