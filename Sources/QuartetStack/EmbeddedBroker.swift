import ClientSupport
package import Logging
import Synchronization

/// A Kafka cluster inside this process, and a real endpoint for other processes too. It keeps everything in memory, at
/// most 5 MiB a partition, until ``close()`` or the process's end; its ports are new each time it is made.
package actor EmbeddedBroker: LocalBroker {
    static let summary: String = "the embedded broker, which keeps events in memory; set KAFKA_HOME to run Apache Kafka"

    /// It can't be asked for topics, and makes them when they are first used. A fetch that waits it answers at its end only,
    /// also where something has come meanwhile.
    static let settings: [String: String] = ["KAFKA_TOPICS_PARTITIONS": "0", "KAFKA_FETCH_WAIT": "100ms"]

    package nonisolated let name = "kafka"
    package nonisolated let settings: [String: String] = EmbeddedBroker.settings
    package nonisolated let keepsRecords = false
    package nonisolated let summary: String = EmbeddedBroker.summary
    private let brokers: ClosedRange<Int32>
    private let logger: Logger
    private var cluster: MockCluster?
    private var isUp = false
    private let address = Mutex("")

    package init(brokers count: Int = 1, logger: Logger? = nil) {
        precondition(count > 0, "a cluster has at least one broker")
        brokers = 1...Int32(count)
        self.logger = logger ?? Logger(label: "quartet.stack.kafka")
    }

    /// "127.0.0.1:PORT", one for each broker, with commas between.
    package nonisolated var url: String { address.withLock { $0 } }

    package func start() async throws {
        guard !isUp else { return }
        isUp = true
        do {
            if let cluster {
                for broker in brokers { try await cluster.brokerUp(broker) }
            } else {
                let cluster = try MockCluster(brokerCount: brokers.count, logger: logger)
                self.cluster = cluster
                address.withLock { $0 = cluster.bootstrapServers.joined(separator: ",") }
            }
        } catch {
            isUp = false
            throw StackError(code: .startFailed, message: "kafka did not start: \(error)")
        }
    }

    /// Makes a topic with another number of partitions than it would have from its first use on.
    package func createTopic(_ name: String, partitions: Int) async throws {
        try await cluster?.createTopic(name, partitions: partitions)
    }

    /// Takes the brokers down; their records and ports stay for the next ``start()``.
    package func stop() async {
        guard isUp, let cluster else { return }
        isUp = false
        do {
            for broker in brokers { try await cluster.brokerDown(broker) }
        } catch {
            logger.warning("kafka: \(error)")
        }
    }

    package func kill() async { await stop() }

    /// Unlike a frozen process, brokers that are down close their connections.
    package func suspend() async { await stop() }

    package func resume() async {
        do { try await start() } catch { logger.warning("\(error)") }
    }

    /// Ends the cluster with all that it keeps.
    package func close() async {
        await cluster?.stop()
        cluster = nil
        isUp = false
    }

    package func wipe() async { await close() }
}
