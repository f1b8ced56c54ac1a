import CRDKafka
import ClientSupport
import Foundation
package import Logging
import Synchronization

/// Brokers inside this process, for development and tests: librdkafka's mock cluster behind real TCP ports, which other
/// processes can use too.
///
/// It keeps 5 MiB and 100,000 batches per partition in memory, creates a topic on first use (4 partitions), and takes 3 s
/// for the first join of a group and the session timeout less 1 s for each later one. It chooses its ports itself.
package actor KafkaMockCluster {
    private let executor: BlockingExecutor
    private let logger: Logger
    private var handle: MockHandle?
    /// The brokers' addresses, each `host:port`; a broker's id is its place here, from 1.
    package nonisolated let bootstrapServers: [String]

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Starts `brokerCount` brokers.
    ///
    /// - Throws: `KafkaError` if they can't be started.
    package init(brokerCount: Int = 1, logger: Logger) throws {
        executor = BlockingExecutor(label: "kafka.mock")
        self.logger = logger
        let handle = try MockHandle(brokerCount: brokerCount, logger: logger)
        bootstrapServers = handle.bootstrapServers
        self.handle = consume handle
    }

    isolated deinit {}

    package func createTopic(_ name: String, partitions: Int) throws {
        try call("create topic \(name)") { rd_kafka_mock_topic_create($0, name, Int32(partitions), 1) }
    }

    /// Drops the broker's connections and refuses new ones until `brokerUp`. Its records stay.
    /// A broker that goes down gives up its port and takes it again at once. That fails, and ends the process, while a
    /// process that is just being made still has a copy of the old socket.
    package func brokerDown(_ id: Int32) throws {
        try spawnLock.withLock { _ in
            try call("stop broker \(id)") { rd_kafka_mock_broker_set_down($0, id) }
        }
    }

    package func brokerUp(_ id: Int32) throws {
        try call("start broker \(id)") { rd_kafka_mock_broker_set_up($0, id) }
    }

    /// Delays each answer of the broker.
    package func setRoundTripTime(_ id: Int32, _ time: Duration) throws {
        try call("slow down broker \(id)") {
            rd_kafka_mock_broker_set_rtt($0, id, Int32(clamping: time.wholeMilliseconds))
        }
    }

    /// Lets the next requests of one kind fail with these codes, in turn.
    ///
    /// - Parameter apiKey: the protocol's number of the request: 0 produce, 1 fetch, 8 commit, ...
    package func pushRequestErrors(apiKey: Int16, _ codes: [Int32]) throws {
        try call("push errors") { cluster in
            let errors = codes.map { rd_kafka_resp_err_t($0) }
            rd_kafka_mock_push_request_errors_array(cluster, apiKey, errors.count, errors)
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    /// Ends the brokers; their records are gone. Clients find nobody at their addresses.
    package func stop() {
        handle = nil
    }

    private func call(_ operation: String, _ body: (OpaquePointer) -> rd_kafka_resp_err_t) throws {
        guard let cluster = handle?.cluster else { throw KafkaError.closed(operation) }
        let code = body(cluster)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation) }
    }
}

/// Owns a mock cluster and the client it lives in; the cluster ends first.
private struct MockHandle: ~Copyable {
    let cluster: OpaquePointer
    private let client: OpaquePointer
    private let context: Unmanaged<ClientContext>

    init(brokerCount: Int, logger: Logger) throws(KafkaError) {
        let context = ClientContext(logger: logger, configuration: KafkaConfiguration(brokers: []))
        var settings = ClientSettings()
        // Brokers inherit it: without, an answer waits 40 ms for the one before to be acknowledged.
        try settings.set("socket.nagle.disable", "true")
        settings.setContext(context)
        let client = try settings.makeClient(RD_KAFKA_PRODUCER)
        guard let cluster = Self.withoutSignals({ rd_kafka_mock_cluster_new(client, Int32(brokerCount)) }) else {
            rd_kafka_destroy(client)
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "start mock cluster")
        }
        self.cluster = cluster
        self.client = client
        self.context = .passRetained(context)
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
        context.release()
    }

    /// The cluster's thread takes an interrupted wait for the end: no signal may be delivered to it. It has the mask of the
    /// thread that makes it.
    private static func withoutSignals(_ make: () -> OpaquePointer?) -> OpaquePointer? {
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        return make()
    }

    var bootstrapServers: [String] {
        String(cString: rd_kafka_mock_cluster_bootstraps(cluster)).split(separator: ",").map(String.init)
    }
}
