import CRDKafka
import ClientSupport

/// Why a call to Kafka failed. `description` is one line without record contents or settings.
package struct KafkaError: StoreFailure, Hashable {
    /// librdkafka's `rd_kafka_resp_err_t`: negative where the client failed, positive where a broker refused.
    package let code: Int32
    /// The code's name, such as `_MSG_TIMED_OUT` or `TOPIC_AUTHORIZATION_FAILED`.
    package let name: String
    package let message: String
    /// What was asked for, with its topic and partition.
    package let operation: String
    /// The last thing a broker connection said, where that explains the failure; names the address.
    package let cause: String?
    package let mayHaveHappened: Bool
    package let isRetriable: Bool
    package let isUnavailable: Bool

    package var description: String {
        let reason = cause.map { "; \($0)" } ?? ""
        return "\(operation): \(name), \(message)\(reason)".split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

extension KafkaError {
    /// - Parameters:
    ///   - message: librdkafka's text, or nil for the code's own.
    ///   - outage: what a broker connection said last; kept only where the code is about reaching brokers.
    init(
        _ code: rd_kafka_resp_err_t, _ operation: String, message: String? = nil, outage: String? = nil,
        mayHaveHappened: Bool = false
    ) {
        let traits = ErrorTraits(code)
        self.code = code.rawValue
        self.name = String(cString: rd_kafka_err2name(code))
        self.message = message ?? String(cString: rd_kafka_err2str(code))
        self.operation = operation
        self.cause = traits.isUnavailable ? outage : nil
        self.mayHaveHappened = mayHaveHappened
        self.isRetriable = traits.isRetriable
        self.isUnavailable = traits.isUnavailable
    }

    /// Takes over and frees an error object.
    init(taking error: OpaquePointer, _ operation: String, outage: String? = nil, mayHaveHappened: Bool = false) {
        let message = String(cString: rd_kafka_error_string(error))
        let code = rd_kafka_error_code(error)
        rd_kafka_error_destroy(error)
        self.init(code, operation, message: message, outage: outage, mayHaveHappened: mayHaveHappened)
    }

    package var saysThatTheTopicIsNotThere: Bool {
        [RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue].contains(code)
    }

    static func refusedConfiguration(_ message: String) -> KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "configuration", message: message)
    }

    static func closed(_ operation: String, mayHaveHappened: Bool = false) -> KafkaError {
        KafkaError(
            RD_KAFKA_RESP_ERR__DESTROY, operation, message: "the client is closed", mayHaveHappened: mayHaveHappened)
    }

    static func cancelled(_ operation: String, mayHaveHappened: Bool) -> KafkaError {
        KafkaError(
            RD_KAFKA_RESP_ERR__INTR, operation, message: "the caller was cancelled", mayHaveHappened: mayHaveHappened)
    }

    static func deadlinePassed(_ operation: String, outage: String?, mayHaveHappened: Bool) -> KafkaError {
        KafkaError(
            RD_KAFKA_RESP_ERR__TIMED_OUT, operation, message: "deadline passed", outage: outage,
            mayHaveHappened: mayHaveHappened)
    }
}

/// What a code means for the caller, whichever call it came from.
private struct ErrorTraits {
    let isRetriable: Bool
    let isUnavailable: Bool

    init(_ code: rd_kafka_resp_err_t) {
        switch code {
        // No broker answers, or this client is full because none does.
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
            RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__WAIT_CACHE,
            RD_KAFKA_RESP_ERR__NODE_UPDATE, RD_KAFKA_RESP_ERR__DESTROY, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
            RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
            (isRetriable, isUnavailable) = (true, true)
        // Somebody must change keys or certificates first.
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
            (isRetriable, isUnavailable) = (false, true)
        // One partition, topic or membership is in between two states.
        case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
            RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR__INTR,
            // A new producer takes the place of one that failed for good, and may be asked again.
            RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
            (isRetriable, isUnavailable) = (true, false)
        default:
            (isRetriable, isUnavailable) = (false, false)
        }
    }
}
