/// How Kafka is reached, shared by producers and consumers.
///
/// `properties` go to librdkafka as they are (`security.protocol`, `sasl.*`, `ssl.*`, ...). A key that librdkafka does
/// not know, and one that this module sets itself, is refused when a client is made.
package struct KafkaConfiguration: Sendable {
    /// Addresses to start from, each `host:port`.
    package var brokers: [String]
    /// What brokers call this client in their logs and quotas.
    package var clientID: String
    /// librdkafka's own keys, for what has no field here. Values may be secrets: they are never logged.
    package var properties: [String: String]
    /// How long one attempt to connect may take.
    package var connectTimeout: Duration = .seconds(5)
    /// How long one request to a broker may take.
    package var requestTimeout: Duration = .seconds(10)
    /// The longest pause between two attempts to connect to a broker that is down.
    package var reconnectPauseMax: Duration = .seconds(2)
    /// How often topics are looked up again, so how soon a new topic or partition is noticed.
    package var metadataRefreshInterval: Duration = .seconds(10)

    package init(brokers: [String], clientID: String = "quartet", properties: [String: String] = [:]) {
        self.brokers = brokers
        self.clientID = clientID
        self.properties = properties
    }
}

/// How a producer gathers and delivers. It is always idempotent and waits for all in-sync replicas.
package struct KafkaProducerOptions: Sendable {
    package enum Compression: String, Sendable, CaseIterable {
        case none, gzip, snappy, lz4, zstd
    }

    /// How long a record may wait for company before its batch leaves.
    package var linger: Duration = .milliseconds(1)
    package var compression: Compression = .lz4
    /// How long librdkafka goes on trying to deliver a record; then its result says so.
    package var deliveryTimeout: Duration = .seconds(30)
    /// How many records may be on the way; further ones wait in `send`.
    package var queuedRecordsMax = 100_000
    /// How many kibibytes may be on the way; further ones wait in `send`.
    package var queuedKibibytesMax = 65_536
    /// The largest record, in bytes.
    package var recordBytesMax = 1_000_000
    /// librdkafka's own keys for the producer alone.
    package var properties: [String: String] = [:]

    package init() {}
}

/// What a consumer reads, and in which group.
package struct KafkaConsumerOptions: Sendable {
    package enum OffsetReset: String, Sendable, CaseIterable {
        case earliest, latest, error
    }

    /// The consumer group; nil for a consumer outside groups, which reads what it is told to with `assign(_:)`.
    package var group: String?
    package var topics: [String]
    /// Whether it joins its group. Otherwise it has no topics, and can tell what the group has not read.
    package var joinsGroup = true
    /// Where to start in a partition in which the group has committed nothing, or whose position is gone.
    package var offsetReset: OffsetReset = .earliest
    /// After this long without a heartbeat the group gives a member's partitions to others.
    package var sessionTimeout: Duration = .seconds(6)
    /// After this long without a poll, too.
    package var pollIntervalMax: Duration = .seconds(300)
    /// How long a broker may hold a fetch while there is nothing to send. Kafka answers at once when records come; a broker
    /// that does not wants 10-50 ms.
    package var fetchWaitMax: Duration = .milliseconds(500)
    /// How many kibibytes may be fetched ahead, over all partitions.
    package var queuedKibibytesMax = 16_384
    /// Told how many records of each partition that the consumer has its group has not committed, on the consumer's queue;
    /// of none when it ends.
    package var onLag: (@Sendable ([KafkaPartition: Int64]) -> Void)?
    /// How often that is told.
    package var lagInterval: Duration = .seconds(5)
    /// librdkafka's own keys for the consumer alone.
    package var properties: [String: String] = [:]

    package init(group: String? = nil, topics: [String] = []) {
        self.group = group
        self.topics = topics
    }
}
