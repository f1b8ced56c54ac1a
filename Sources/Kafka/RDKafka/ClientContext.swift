import CRDKafka
import Logging

/// What librdkafka's callbacks reach through a client's opaque pointer.
///
/// The client's handle holds it until the client is destroyed. `logger` is used on librdkafka's threads; everything else
/// is touched on the owning actor's queue alone, because callbacks other than the log run inside the polls made there.
class ClientContext {
    let logger: Logger
    /// What is read and written on the owner's queue.
    private var outage: Outage
    private var lastHiccup: Int32 = 0
    /// That no broker lets this client in, until one does.
    private(set) var refusal: KafkaError?
    /// Set once the client can do no more.
    private(set) var fatal: KafkaError?

    init(logger: Logger, configuration: KafkaConfiguration) {
        self.logger = logger
        outage = Outage(quietMax: configuration.reconnectPauseMax * 3 + configuration.connectTimeout)
    }

    var outageReason: String? { outage.reason }

    func failed(_ code: rd_kafka_resp_err_t, _ reason: String) {
        // "1/1 brokers are down" follows the failure that says which and why.
        if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, outage.reason != nil { return }
        let reason = SignInAdvice.completing(reason, code.rawValue)
        let error = KafkaError(code, "connection", message: reason)
        if error.isUnavailable, !error.isRetriable { refusal = error }
        guard error.isUnavailable else {
            logger.warning("Kafka client error", metadata: ["error": "\(error)"])
            return
        }
        if outage.failed(reason) {
            logger.warning("Kafka broker unreachable", metadata: ["reason": "\(reason)"])
        }
    }

    /// A passing failure of one topic or of the group: told when it differs from the last.
    func hiccup(_ error: KafkaError) {
        if error.code != lastHiccup { logger.warning("Kafka client error", metadata: ["error": "\(error)"]) }
        lastHiccup = error.code
    }

    func succeeded() {
        lastHiccup = 0
        refusal = nil
        if outage.succeeded() { logger.info("Kafka broker reachable again") }
    }

    func failedForGood(_ error: KafkaError) {
        guard fatal == nil else { return }
        fatal = error
        logger.error("Kafka client failed for good", metadata: ["error": "\(error)"])
    }
}

/// `rd_kafka_conf_set_error_cb`: runs in a poll on the owner's queue.
func clientFailed(
    _ client: OpaquePointer?, _ code: Int32, _ reason: UnsafePointer<CChar>?, _ opaque: UnsafeMutableRawPointer?
) {
    guard let client, let opaque else { return }
    let context = Unmanaged<ClientContext>.fromOpaque(opaque).takeUnretainedValue()
    let reason = reason.map { String(cString: $0) } ?? ""
    guard code == RD_KAFKA_RESP_ERR__FATAL.rawValue else {
        return context.failed(rd_kafka_resp_err_t(code), reason)
    }
    var text = [CChar](repeating: 0, count: 512)
    let underlying = rd_kafka_fatal_error(client, &text, text.count)
    let name = String(cString: rd_kafka_err2name(underlying))
    let message = "\(name): \(text.withUnsafeBufferPointer(string))"
    context.failedForGood(KafkaError(RD_KAFKA_RESP_ERR__FATAL, "client", message: message))
}

/// `rd_kafka_conf_set_log_cb`: runs on any of librdkafka's threads.
func clientLogged(
    _ client: OpaquePointer?, _ severity: Int32, _ facility: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?
) {
    guard let client, let opaque = rd_kafka_opaque(client), let text else { return }
    let context = Unmanaged<ClientContext>.fromOpaque(opaque).takeUnretainedValue()
    let facility = facility.map { String(cString: $0) } ?? ""
    context.logger.log(
        level: logLevel(severity: severity, facility: facility), "\(String(cString: text))",
        metadata: ["facility": "\(facility)"])
}

/// What `clientFailed` tells is left to it: connection failures, which come here once per attempt, and fatal errors.
private func logLevel(severity: Int32, facility: String) -> Logger.Level {
    switch (facility, severity) {
    case ("FAIL", _), ("FATAL", _), ("ERROR", _), ("CONFWARN", _), ("REQTMOUT", _), ("SESSTMOUT", 5...): .debug
    case (_, ...2): .critical
    case (_, 3): .error
    case (_, 4): .warning
    case (_, 5): .notice
    case (_, 6): .info
    default: .debug
    }
}

/// The text of a zero-terminated buffer.
func string(_ buffer: UnsafeBufferPointer<CChar>) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
