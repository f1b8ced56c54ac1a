import CRDKafka
import Logging

/// What a consumer's callbacks reach; touched on the consumer's queue alone, but for the logger.
final class ConsumerContext: ClientContext {
    /// What became of one commit: an error for all of it, or one for each partition.
    struct CommitReport: Sendable {
        let code: Int32
        let partitions: [(offset: KafkaOffset, code: Int32)]
    }

    /// The partitions this consumer has, each with the number of the assignment that gave it.
    private(set) var generations: [KafkaPartition: UInt64] = [:]
    var counters = KafkaConsumerCounters()
    private var lastGeneration: UInt64 = 0
    private let onLag: (([KafkaPartition: Int64]) -> Void)?
    private let committed: (UInt64, CommitReport) -> Void

    /// - Parameters:
    ///   - onLag: told how far the partitions that this consumer has are behind.
    ///   - committed: called with a commit's id once the group's coordinator has answered.
    init(
        configuration: KafkaConfiguration, logger: Logger, onLag: (([KafkaPartition: Int64]) -> Void)? = nil,
        committed: @escaping (UInt64, CommitReport) -> Void
    ) {
        self.onLag = onLag
        self.committed = committed
        super.init(logger: logger, configuration: configuration)
    }

    func assigned(_ partitions: [KafkaPartition]) {
        lastGeneration += 1
        for partition in partitions { generations[partition] = lastGeneration }
        counters.partitionsAssigned += partitions.count
        logger.info("Kafka partitions assigned", metadata: ["partitions": "\(Self.list(partitions))"])
    }

    func revoked(_ partitions: [KafkaPartition], isLost: Bool) {
        for partition in partitions { generations[partition] = nil }
        counters.partitionsRevoked += partitions.count
        logger.info(
            "Kafka partitions revoked",
            metadata: ["partitions": "\(Self.list(partitions))", "lost": "\(isLost)"])
    }

    func lags(_ records: [KafkaPartition: Int64]) {
        onLag?(records.filter { generations[$0.key] != nil })
    }

    func reported(_ commit: UInt64, _ report: CommitReport) {
        committed(commit, report)
    }

    private static func list(_ partitions: [KafkaPartition]) -> String {
        partitions.map { "\($0.topic)[\($0.partition)]" }.sorted().joined(separator: " ")
    }
}

/// `rd_kafka_conf_set_rebalance_cb`: runs in a poll on the consumer's queue, so never while records are handed out.
///
/// Handles both protocols: with the eager one everything is revoked and assigned anew, with the cooperative one only what
/// changes hands.
func groupRebalanced(
    _ client: OpaquePointer?, _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, _ opaque: UnsafeMutableRawPointer?
) {
    guard let client, let opaque else { return }
    let context = Unmanaged<ConsumerContext>.fromOpaque(opaque).takeUnretainedValue()
    let isCooperative = rd_kafka_rebalance_protocol(client).map { String(cString: $0) } == "COOPERATIVE"
    let partitions = entries(of: list).map(\.offset.position)
    var error: OpaquePointer?
    var answer = RD_KAFKA_RESP_ERR_NO_ERROR
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
        context.succeeded()
        context.assigned(partitions)
        if isCooperative {
            error = rd_kafka_incremental_assign(client, list)
        } else {
            answer = rd_kafka_assign(client, list)
        }
    } else {
        if code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
            context.failed(code, String(cString: rd_kafka_err2str(code)))
        }
        context.revoked(partitions, isLost: rd_kafka_assignment_lost(client) != 0)
        if isCooperative, code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
            error = rd_kafka_incremental_unassign(client, list)
        } else {
            answer = rd_kafka_assign(client, nil)
        }
    }
    if let error {
        context.logger.error(
            "Kafka rebalance failed", metadata: ["error": "\(KafkaError(taking: error, "take over partitions"))"])
    } else if answer != RD_KAFKA_RESP_ERR_NO_ERROR {
        context.logger.error(
            "Kafka rebalance failed", metadata: ["error": "\(KafkaError(answer, "take over partitions"))"])
    }
}

/// `rd_kafka_commit_queue`: runs in a poll of the replies on the consumer's queue. The opaque pointer is the commit's id.
func offsetsCommitted(
    _ client: OpaquePointer?, _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, _ opaque: UnsafeMutableRawPointer?
) {
    guard let client, let contextPointer = rd_kafka_opaque(client) else { return }
    let context = Unmanaged<ConsumerContext>.fromOpaque(contextPointer).takeUnretainedValue()
    let partitions = entries(of: list).map { (offset: $0.offset, code: $0.code.rawValue) }
    let report = ConsumerContext.CommitReport(code: code.rawValue, partitions: partitions)
    context.reported(UInt64(UInt(bitPattern: opaque)), report)
}
