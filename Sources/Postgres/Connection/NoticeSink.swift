import CLibPQ
import Logging

/// Where a connection's notices go. libpq calls on the connection's thread, inside the calls that read, and holds no
/// reference: the handle keeps this alive until after `PQfinish`.
final class NoticeSink: Sendable {
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    fileprivate func receive(_ result: OpaquePointer) {
        guard logger.logLevel <= .debug else { return }
        func field(_ code: Int) -> String {
            PQresultErrorField(result, Int32(code)).map { String(cString: $0) } ?? ""
        }
        logger.debug(
            "notice from PostgreSQL",
            metadata: [
                "severity": "\(field(quartet_diag_severity))",
                "sqlstate": "\(field(quartet_diag_sqlstate))",
                "message": "\(field(quartet_diag_message))",
            ])
    }
}

/// `PQnoticeReceiver`. The result is libpq's and is freed by it.
func receiveNotice(_ sink: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
    guard let sink, let result else { return }
    Unmanaged<NoticeSink>.fromOpaque(sink).takeUnretainedValue().receive(result)
}
