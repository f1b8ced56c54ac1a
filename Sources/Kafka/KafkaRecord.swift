/// A record's header. Names may repeat.
package struct KafkaHeader: Sendable, Hashable {
    package var name: String
    package var value: [UInt8]

    package init(_ name: String, _ value: [UInt8]) {
        self.name = name
        self.value = value
    }

    package init(_ name: String, _ value: String) {
        self.init(name, Array(value.utf8))
    }
}

/// A record as it is sent. Records with the same key go to the same partition, in the order in which they are sent.
package struct KafkaRecord: Sendable, Hashable {
    package var topic: String
    /// Nil lets the key decide, as Kafka's own Java client does (murmur2), and chance where there is no key.
    package var partition: Int32?
    package var key: [UInt8]?
    /// Nil is a tombstone in a compacted topic.
    package var value: [UInt8]?
    package var headers: [KafkaHeader]
    /// Milliseconds since 1970; nil for now.
    package var timestampMilliseconds: Int64?

    package init(
        topic: String, partition: Int32? = nil, key: [UInt8]? = nil, value: [UInt8]?, headers: [KafkaHeader] = [],
        timestampMilliseconds: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestampMilliseconds = timestampMilliseconds
    }
}

/// Where a delivered record went.
package struct KafkaDelivery: Sendable, Hashable {
    package let partition: Int32
    package let offset: Int64

    package init(partition: Int32, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }
}

package struct KafkaPartition: Sendable, Hashable {
    package var topic: String
    package var partition: Int32

    package init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
}

/// A place in a partition: the offset of the next record to be read there.
package struct KafkaOffset: Sendable, Hashable {
    /// Stands for the oldest record a partition still has.
    package static let earliest: Int64 = -2
    /// Stands for the record that comes next.
    package static let latest: Int64 = -1

    package var position: KafkaPartition
    package var offset: Int64

    package init(_ position: KafkaPartition, offset: Int64) {
        self.position = position
        self.offset = offset
    }
}

/// What a partition holds: offsets from `low` up to but without `high`.
package struct KafkaWatermarks: Sendable, Hashable {
    package let partition: Int32
    package let low: Int64
    package let high: Int64

    package init(partition: Int32, low: Int64, high: Int64) {
        self.partition = partition
        self.low = low
        self.high = high
    }
}

/// Where a group stands in a partition, and where that ends.
package struct KafkaGroupPosition: Sendable, Hashable {
    /// The offset that the group has not committed yet.
    package let next: Int64
    package let high: Int64
}

/// A record as it was read.
package struct KafkaConsumedRecord: Sendable, Hashable {
    /// Its partition is always set, its timestamp where the broker knows one.
    package let record: KafkaRecord
    package let partition: Int32
    package let offset: Int64
    /// Which assignment of its partition it was read under; a commit under another one is stale.
    let generation: UInt64

    init(record: KafkaRecord, partition: Int32, offset: Int64, generation: UInt64) {
        self.record = record
        self.partition = partition
        self.offset = offset
        self.generation = generation
    }

    /// A record that no consumer read, for tests of what handles records; a consumer takes its commit for stale.
    package init(record: KafkaRecord, partition: Int32, offset: Int64) {
        self.init(record: record, partition: partition, offset: offset, generation: 0)
    }

    package var topic: String { record.topic }
    package var key: [UInt8]? { record.key }
    package var value: [UInt8]? { record.value }
    package var headers: [KafkaHeader] { record.headers }
    package var position: KafkaPartition { KafkaPartition(topic: record.topic, partition: partition) }

    /// The last value of that name, or nil.
    package func header(_ name: String) -> [UInt8]? {
        record.headers.last { $0.name == name }?.value
    }
}

/// What became of a commit.
package struct KafkaCommit: Sendable, Hashable {
    /// The positions the group now resumes from.
    package let committed: [KafkaOffset]
    /// How many records belonged to partitions taken away since they were read; whoever has them now reads them again.
    package let stale: Int
}

/// What a consumer has done since it was made, for metrics.
package struct KafkaConsumerCounters: Sendable, Hashable {
    package var recordsPolled = 0
    package var recordsStale = 0
    package var commits = 0
    package var partitionsAssigned = 0
    package var partitionsRevoked = 0
}
