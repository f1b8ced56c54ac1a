import Logging
import Synchronization

/// Logs when a connection goes and when it is back; the attempts between are debug.
final class ConnectionLog: Sendable {
    private let logger: Logger
    private let location: String
    private let purpose: String
    private let isDown = Mutex(false)

    init(logger: Logger, location: String, purpose: String) {
        self.logger = logger
        self.location = location
        self.purpose = purpose
    }

    func connected() {
        let wasDown = exchange(false)
        let metadata: Logger.Metadata = ["server": "\(location)", "purpose": "\(purpose)"]
        logger.log(level: wasDown ? .notice : .debug, "connected to redis", metadata: metadata)
    }

    /// `isExpected` when the connection was closed from here, or nobody was waiting on it.
    func lost(_ error: RedisError, isExpected: Bool) {
        guard !isExpected else { return }
        let wasDown = exchange(true)
        let metadata: Logger.Metadata = ["purpose": "\(purpose)", "error": "\(error)"]
        logger.log(level: wasDown ? .debug : .warning, "no connection to redis", metadata: metadata)
    }

    private func exchange(_ value: Bool) -> Bool {
        isDown.withLock { isDown in
            defer { isDown = value }
            return isDown
        }
    }
}
