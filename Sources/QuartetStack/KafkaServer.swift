import ClientSupport
import Kafka
package import Logging
import Synchronization

/// A Kafka cluster inside this process, and a real endpoint for other processes too. It keeps everything in memory, at
/// most 5 MiB a partition, until ``close()`` or the process's end; its ports are new each time it is made.
package actor KafkaServer: LocalBroker {
    package nonisolated let name = "kafka"
    private let brokers: ClosedRange<Int32>
    private let logger: Logger
    private var cluster: KafkaMockCluster?
    private var isUp = false
    private let address = Mutex("")

    package init(options: StackOptions = .durable, logger: Logger? = nil) {
        brokers = 1...Int32(options.kafkaBrokers)
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
                let cluster = try KafkaMockCluster(brokerCount: brokers.count, logger: logger)
                self.cluster = cluster
                address.withLock { $0 = cluster.bootstrapServers.joined(separator: ",") }
            }
        } catch {
            isUp = false
            throw StackError(code: .startFailed, message: "kafka did not start: \(error)")
        }
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
}
