import CLibMongoC
import Foundation
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
        SharedCounters.remove()
    }()

    /// Where libmongoc's own messages go: it has one log for all clients.
    fileprivate static let logger = Mutex<Logger?>(nil)

    static func log(to logger: Logger) {
        Self.logger.withLock { $0 = $0 ?? logger }
    }
}

/// libmongoc keeps its counters in shared memory that is named after the process's number, for `mongoc-stat` to see, and makes
/// it when the library is loaded. A killed process leaves it behind, and the next one with its number warns of it on standard
/// error before anything of ours can run.
package enum SharedCounters {
    /// Takes the name away; the counters themselves go on.
    package static func remove() {
        // libmongoc prints the number so, with 16 bits.
        shm_unlink("/mongoc-\(UInt16(truncatingIfNeeded: getpid()))")
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
