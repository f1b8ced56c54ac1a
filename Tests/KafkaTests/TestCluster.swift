import ClientSupport
import Kafka
import Logging
import Testing

/// One mock cluster for all tests that do not harm it; each test uses topics and groups of its own.
enum TestCluster {
    static let shared: Result<KafkaMockCluster, any Error> = Result { try start() }

    static var configuration: KafkaConfiguration {
        get throws { KafkaConfiguration(brokers: try shared.get().bootstrapServers) }
    }

    static func start(brokerCount: Int = 1) throws -> KafkaMockCluster {
        try KafkaMockCluster(brokerCount: brokerCount, logger: logger)
    }

    static let logger: Logger = {
        var logger = Logger(label: "kafka.tests")
        logger.logLevel = .error
        return logger
    }()

    static func createTopic(_ name: String, partitions: Int) async throws {
        try await shared.get().createTopic(name, partitions: partitions)
    }

    static func makeProducer(
        _ configuration: KafkaConfiguration? = nil, _ change: (inout KafkaProducerOptions) -> Void = { _ in }
    ) throws -> KafkaProducer {
        var options = KafkaProducerOptions()
        change(&options)
        return try KafkaProducer(configuration ?? Self.configuration, options: options, logger: logger)
    }

    /// A member with a short session, because the mock cluster rebalances a second before it ends.
    static func makeMember(_ group: String, _ topic: String) throws -> KafkaConsumer {
        var options = KafkaConsumerOptions(group: group, topics: [topic])
        options.sessionTimeout = .seconds(3)
        options.fetchWaitMax = .milliseconds(20)
        return try KafkaConsumer(configuration, options: options, logger: logger)
    }

    /// Everything in `topic` now, by partition and in order.
    static func read(_ topic: String, _ configuration: KafkaConfiguration? = nil) async throws -> [KafkaConsumedRecord]
    {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        let reader = try KafkaConsumer(configuration ?? Self.configuration, options: options, logger: logger)
        let watermarks = try await reader.watermarks(topic: topic, deadline: soon)
        try await reader.assign(
            watermarks.map { KafkaOffset(KafkaPartition(topic: topic, partition: $0.partition), offset: $0.low) })
        let records = try await reader.take(watermarks.reduce(0) { $0 + Int($1.high - $1.low) })
        await reader.close(deadline: soon)
        return records.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }

    static var soon: Deadline { .after(.seconds(60)) }
}

extension KafkaConsumer {
    /// Polls until `count` records are there, or long enough to fail.
    func take(_ count: Int) async throws -> [KafkaConsumedRecord] {
        var records: [KafkaConsumedRecord] = []
        let deadline = TestCluster.soon
        while records.count < count, !deadline.isPast {
            records += try await poll(max: count - records.count, timeout: .milliseconds(500))
        }
        try #require(records.count == count)
        return records
    }

    /// Polls until it has `count` partitions, and returns what the last poll gave, which may be theirs.
    @discardableResult
    func join(until count: Int) async throws -> [KafkaConsumedRecord] {
        var records: [KafkaConsumedRecord] = []
        let deadline = TestCluster.soon
        while assignment.count != count, !deadline.isPast { records = try await poll(timeout: .milliseconds(50)) }
        try #require(assignment.count == count)
        return records
    }
}

extension KafkaRecord {
    init(_ topic: String, _ key: String, _ value: String, partition: Int32? = nil) {
        self.init(topic: topic, partition: partition, key: Array(key.utf8), value: Array(value.utf8))
    }
}

extension KafkaConsumedRecord {
    var text: String { String(decoding: value ?? [], as: UTF8.self) }
}

func isStoreFailure(_ error: some StoreFailure) -> Bool { true }

/// How long `body` takes.
func duration(_ body: () async throws -> Void) async rethrows -> Duration {
    let start = ContinuousClock.now
    try await body()
    return start.duration(to: .now)
}
