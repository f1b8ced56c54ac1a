import CRDKafka
import ClientSupport
import Foundation
package import Logging
import Synchronization

/// Brokers inside this process, for development and tests: librdkafka's mock cluster behind real TCP ports, which other
/// processes can use too.
///
/// It keeps 5 MiB and 100,000 batches per partition in memory, creates a topic on first use (4 partitions), and takes 3 s
/// for the first join of a group and the session timeout less 1 s for each later one. A fetch is not woken by new records.
/// It chooses its ports itself.
package actor MockCluster {
    private let executor: BlockingExecutor
    private var handle: MockHandle?
    /// The brokers' addresses, each `host:port`; a broker's id is its place here, from 1.
    package nonisolated let bootstrapServers: [String]

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Starts `brokerCount` brokers.
    ///
    /// - Throws: `StackError` if they can't be started.
    package init(brokerCount: Int = 1, logger: Logger) throws {
        executor = BlockingExecutor(label: "kafka.mock")
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

    /// Ends the brokers; their records are gone. Clients find nobody at their addresses.
    package func stop() {
        handle = nil
    }

    private func call(_ operation: String, _ body: (OpaquePointer) -> rd_kafka_resp_err_t) throws {
        guard let cluster = handle?.cluster else {
            throw StackError(code: .startFailed, message: "\(operation): the cluster has ended")
        }
        let code = body(cluster)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw StackError(code: .startFailed, message: "\(operation): \(String(cString: rd_kafka_err2str(code)))")
        }
    }
}

/// Owns a mock cluster and the client it lives in; the cluster ends first.
private struct MockHandle: ~Copyable {
    let cluster: OpaquePointer
    private let client: OpaquePointer
    private let log: Unmanaged<MockLog>

    init(brokerCount: Int, logger: Logger) throws(StackError) {
        let settings = rd_kafka_conf_new()
        // Brokers inherit it: without, an answer waits 40 ms for the one before to be acknowledged.
        rd_kafka_conf_set(settings, "socket.nagle.disable", "true", nil, 0)
        let log = Unmanaged.passRetained(MockLog(logger))
        rd_kafka_conf_set_opaque(settings, log.toOpaque())
        rd_kafka_conf_set_log_cb(settings, mockLogged)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, nil, 0) else {
            rd_kafka_conf_destroy(settings)
            log.release()
            throw StackError(code: .startFailed, message: "librdkafka makes no client for the brokers")
        }
        guard let cluster = Self.withoutSignals({ rd_kafka_mock_cluster_new(client, Int32(brokerCount)) }) else {
            rd_kafka_destroy(client)
            log.release()
            throw StackError(code: .startFailed, message: "librdkafka makes no brokers")
        }
        self.cluster = cluster
        self.client = client
        self.log = log
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
        log.release()
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

/// Where what librdkafka says goes; on any of its threads.
private final class MockLog: Sendable {
    let logger: Logger

    init(_ logger: Logger) { self.logger = logger }
}

/// `rd_kafka_conf_set_log_cb`.
private func mockLogged(
    _ client: OpaquePointer?, _ severity: Int32, _: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?
) {
    guard let client, let opaque = rd_kafka_opaque(client), let text else { return }
    let level: Logger.Level = severity <= 3 ? .error : severity == 4 ? .warning : .debug
    Unmanaged<MockLog>.fromOpaque(opaque).takeUnretainedValue().logger.log(level: level, "\(String(cString: text))")
}
