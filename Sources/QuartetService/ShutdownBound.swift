import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// Ends the process when its roles do not end in time after they were told to: a store may not answer. That is no worse
/// than a crash, which loses nothing.
final class ShutdownBound: Service {
    private let timeout: Duration
    private let logger: Logger
    private let alarm = Mutex<Task<Void, any Error>?>(nil)

    init(timeout: Duration, logger: Logger) {
        self.timeout = timeout
        self.logger = logger
    }

    /// As the last of the services it is the first that hears of the shutdown.
    func run() async throws {
        try await gracefulShutdown()
        let task = Task { [timeout, logger] in
            try await ContinuousClock().sleep(until: .now.advanced(by: timeout))
            logger.error("not stopped in time, ended", metadata: ["timeout": "\(timeout)"])
            LogSink.standardError.flush(atMost: .seconds(1))
            _exit(1)
        }
        alarm.withLock { $0 = task }
    }

    /// All has ended in time.
    func disarm() {
        alarm.withLock { $0 }?.cancel()
    }
}
