import CLibMongoC
import Logging
import Synchronization

/// libmongoc as a whole: begun once, its log taken over. It is not ended: that would need every client gone first.
enum ClientLibrary {
    static func start() {
        _ = started
    }

    private static let started: Void = {
        // First, since it has things to say at its beginning: of what a killed process with this one's number left behind.
        mongoc_log_set_handler(clientLibraryLog, nil)
        mongoc_init()
    }()

    /// Where libmongoc's own messages go: it has one log for all clients.
    fileprivate static let logger = Mutex<Logger?>(nil)

    static func log(to logger: Logger) {
        Self.logger.withLock { $0 = $0 ?? logger }
    }
}

/// Called by libmongoc on any thread.
private func clientLibraryLog(
    _ level: mongoc_log_level_t, _ domain: UnsafePointer<CChar>?, _ message: UnsafePointer<CChar>?,
    _: UnsafeMutableRawPointer?
) {
    guard level.rawValue <= MONGOC_LOG_LEVEL_WARNING.rawValue, let message else { return }
    ClientLibrary.logger.withLock { logger in
        logger?.warning("\(MongoError.withoutRowData(String(cString: message)))", metadata: ["source": "libmongoc"])
    }
}
