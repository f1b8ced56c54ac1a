import CRDKafka
import ClientSupport

/// Owns an `rd_kafka_conf_t` until a client takes it over.
struct ClientSettings: ~Copyable {
    private var pointer: OpaquePointer?

    init() {
        pointer = rd_kafka_conf_new()
    }

    deinit {
        if let pointer { rd_kafka_conf_destroy(pointer) }
    }

    /// - Throws: `KafkaError` naming the key if librdkafka does not know it or refuses the value, without the value.
    mutating func set(_ key: String, _ value: String) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 512)
        switch rd_kafka_conf_set(pointer, key, value, &text, text.count) {
        case RD_KAFKA_CONF_OK: return
        case RD_KAFKA_CONF_UNKNOWN: throw .refusedConfiguration("librdkafka knows no setting \"\(key)\"")
        default: throw .refusedConfiguration("librdkafka refuses the value given for \"\(key)\"")
        }
    }

    mutating func set(_ key: String, _ value: Int) throws(KafkaError) {
        try set(key, String(value))
    }

    /// In whole milliseconds, at least 1.
    mutating func set(_ key: String, _ value: Duration) throws(KafkaError) {
        try set(key, max(1, Int(value.wholeMilliseconds)))
    }

    /// Settings from outside: refuses those in `reserved`, which say what else sets them.
    mutating func pass(_ properties: [String: String], reserved: [String: String]) throws(KafkaError) {
        for (key, value) in properties.sorted(by: { $0.key < $1.key }) {
            if let owner = reserved[key] {
                throw .refusedConfiguration("\"\(key)\" can't be passed through: \(owner)")
            }
            try set(key, value)
        }
    }

    /// Registers what callbacks reach; `context` must outlive the client.
    mutating func setContext(_ context: ClientContext) {
        rd_kafka_conf_set_opaque(pointer, Unmanaged.passUnretained(context).toOpaque())
        rd_kafka_conf_set_log_cb(pointer, clientLogged)
        rd_kafka_conf_set_error_cb(pointer, clientFailed)
    }

    mutating func setDeliveryReport(
        _ report:
            @convention(c) (
                OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?
            ) -> Void
    ) {
        rd_kafka_conf_set_dr_msg_cb(pointer, report)
    }

    mutating func setStatistics(
        _ statistics:
            @convention(c) (
                OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutableRawPointer?
            ) -> Int32
    ) {
        rd_kafka_conf_set_stats_cb(pointer, statistics)
    }

    mutating func setRebalance(
        _ rebalance:
            @convention(c) (
                OpaquePointer?, rd_kafka_resp_err_t, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
                UnsafeMutableRawPointer?
            ) -> Void
    ) {
        rd_kafka_conf_set_rebalance_cb(pointer, rebalance)
    }

    /// Makes a client, which takes the settings over.
    ///
    /// - Throws: `KafkaError` if librdkafka finds the settings contradictory.
    consuming func makeClient(_ type: rd_kafka_type_t) throws(KafkaError) -> OpaquePointer {
        var text = [CChar](repeating: 0, count: 512)
        guard let client = rd_kafka_new(type, pointer, &text, text.count) else {
            throw .refusedConfiguration(text.withUnsafeBufferPointer(string))
        }
        pointer = nil
        return client
    }
}

extension ClientSettings {
    /// What every client of `configuration` has in common.
    mutating func apply(_ configuration: KafkaConfiguration) throws(KafkaError) {
        guard !configuration.brokers.isEmpty else { throw .refusedConfiguration("no brokers are given") }
        try set("bootstrap.servers", configuration.brokers.joined(separator: ","))
        try set("client.id", configuration.clientID)
        try set("socket.connection.setup.timeout.ms", configuration.connectTimeout)
        try set("socket.timeout.ms", configuration.requestTimeout)
        try set("reconnect.backoff.max.ms", configuration.reconnectPauseMax)
        try set("topic.metadata.refresh.interval.ms", configuration.metadataRefreshInterval)
        try set("socket.keepalive.enable", "true")
        try set("socket.nagle.disable", "true")
        // A broker that closes an idle connection is no event.
        try set("log.connection.close", "false")
    }

    static let reservedByAll = [
        "bootstrap.servers": "set `brokers`", "metadata.broker.list": "set `brokers`",
        "client.id": "set `clientID`", "socket.timeout.ms": "set `requestTimeout`",
        "socket.connection.setup.timeout.ms": "set `connectTimeout`",
        "log.queue": "logs are taken as they come", "opaque": "callbacks need it",
    ]

    static let reservedByProducer = reservedByAll.merging([
        "enable.idempotence": "the producer is always idempotent",
        "acks": "the producer always waits for all replicas",
        "request.required.acks": "the producer always waits for all replicas",
        "message.timeout.ms": "set `deliveryTimeout`", "delivery.timeout.ms": "set `deliveryTimeout`",
        "batch.size": "it follows from what topics take", "queue.buffering.max.messages": "set `queuedRecordsMax`",
        "queue.buffering.max.kbytes": "set `queuedKibibytesMax`",
        "transactional.id": "the producer has no transactions",
        "delivery.report.only.error": "every record needs its report",
    ]) { own, _ in own }

    static let reservedByConsumer = reservedByAll.merging([
        "group.id": "set `group`", "enable.auto.commit": "positions are committed after the work",
        "enable.auto.offset.store": "positions are committed after the work",
        "session.timeout.ms": "set `sessionTimeout`", "max.poll.interval.ms": "set `pollIntervalMax`",
        "statistics.interval.ms": "set `onLag`", "auto.offset.reset": "set `offsetReset`",
        "enable.partition.eof": "a poll returns records only",
    ]) { own, _ in own }
}
