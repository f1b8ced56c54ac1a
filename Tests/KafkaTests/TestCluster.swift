import ClientSupport
import Kafka
import Logging
import QuartetStack
import QuartetTesting
import Testing

/// A broker, and clients of it. Tests share it and keep apart by the names of topics and groups.
struct TestCluster: Sendable {
    let kind: TestBroker
    let broker: any LocalBroker

    static func shared(_ kind: TestBroker) async throws -> TestCluster {
        TestCluster(kind: kind, broker: try await kind.shared)
    }

    /// Runs `body` with a broker that it may kill and freeze. Apache Kafka takes seconds to start, so those tests share one,
    /// one after the other.
    static func toHarm(_ kind: TestBroker, _ body: (TestCluster) async throws -> Void) async throws {
        let broker = kind == .apache ? try await harmed.value : try await kind.start()
        let outcome: Result<Void, any Error>
        do {
            // The test before may have failed midway.
            await broker.resume()
            try await broker.start()
            outcome = .success(try await body(TestCluster(kind: kind, broker: broker)))
        } catch {
            outcome = .failure(error)
        }
        if kind == .embedded { await broker.close() }
        try outcome.get()
    }

    private static let harmed = Task { try await TestBroker.apache.start() }

    /// Brokers where nobody is.
    static let nowhere = KafkaConfiguration(brokers: ["127.0.0.1:1"])

    static let logger: Logger = {
        var logger = Logger(label: "kafka.tests")
        logger.logLevel = .error
        return logger
    }()

    static let silence = Logger(label: "kafka.tests") { _ in SwiftLogNoOpLogHandler() }

    var configuration: KafkaConfiguration {
        var configuration = KafkaConfiguration(brokers: broker.url.split(separator: ",").map(String.init))
        configuration.reconnectPauseMax = .milliseconds(200)
        configuration.metadataRefreshInterval = .seconds(1)
        return configuration
    }

    /// - Parameter mayBeThere: clients that are still there may have made it.
    func createTopic(
        _ name: String, partitions: Int = 1, settings: [String: String] = [:], mayBeThere: Bool = false
    ) async throws {
        if let embedded = broker as? EmbeddedBroker {
            return try await embedded.createTopic(name, partitions: partitions)
        }
        let topic = KafkaTopic(name, partitions: partitions, settings: settings)
        let admin = try KafkaAdmin(configuration, logger: Self.logger)
        let outcomes = try await admin.make([topic], deadline: Self.soon)
        try #require(outcomes == [name: .made] || mayBeThere && outcomes == [name: .wasThere])
    }

    func makeProducer(_ change: (inout KafkaProducerOptions) -> Void = { _ in }) throws -> KafkaProducer {
        try Self.makeProducer(configuration, change)
    }

    static func makeProducer(
        _ configuration: KafkaConfiguration, _ change: (inout KafkaProducerOptions) -> Void = { _ in }
    ) throws -> KafkaProducer {
        var options = KafkaProducerOptions()
        change(&options)
        return try KafkaProducer(configuration, options: options, logger: logger)
    }

    /// A member with a short session: the embedded broker rebalances a second before it ends.
    func makeMember(
        _ group: String, _ topic: String, _ change: (inout KafkaConsumerOptions) -> Void = { _ in }
    ) throws -> KafkaConsumer {
        var options = KafkaConsumerOptions(group: group, topics: [topic])
        options.sessionTimeout = .seconds(3)
        options.fetchWaitMax = .milliseconds(20)
        change(&options)
        return try KafkaConsumer(configuration, options: options, logger: Self.logger)
    }

    func makeReader(_ change: (inout KafkaConsumerOptions) -> Void = { _ in }) throws -> KafkaConsumer {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        change(&options)
        return try KafkaConsumer(configuration, options: options, logger: Self.logger)
    }

    /// Everything in `topic` now, by partition and in order.
    func read(_ topic: String) async throws -> [KafkaConsumedRecord] {
        let reader = try makeReader()
        let watermarks = try await reader.watermarks(topic: topic, deadline: Self.soon)
        try await reader.assign(
            watermarks.map { KafkaOffset(KafkaPartition(topic: topic, partition: $0.partition), offset: $0.low) })
        let records = try await reader.take(watermarks.reduce(0) { $0 + Int($1.high - $1.low) })
        await reader.close(deadline: Self.soon)
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

extension KafkaProducer {
    /// Sends all and returns where they went; a failure of one is an error.
    @discardableResult
    func deliver(_ records: [KafkaRecord]) async throws -> [KafkaDelivery] {
        try await send(records).map { try $0.get() }
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
