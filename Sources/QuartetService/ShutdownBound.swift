import ClientSupport
import Logging
import ServiceLifecycle
import Synchronization

/// Ends the process when its roles do not end in time after they were told to: a store may not answer. That is no worse
/// than a crash, which loses nothing.
final class ShutdownBound: Service {
    private let timeout: Duration
    private let logger: Logger
    private let alarm = Mutex<Task<Void, any Error>?>(nil)
    /// What has begun and not ended, by name, with how many of each.
    private let running = Mutex<[String: Int]>([:])

    init(timeout: Duration, logger: Logger) {
        self.timeout = timeout
        self.logger = logger
    }

    /// As the last of the services it is the first that hears of the shutdown.
    func run() async throws {
        try await gracefulShutdown()
        let task = Task { [self] in
            try await ContinuousClock().sleep(until: .now.advanced(by: timeout))
            let left = running.withLock { $0.keys.sorted().joined(separator: ", ") }
            logger.error(
                "not stopped in time, ended",
                metadata: ["timeout": "\(timeout)", "running": "\(left.isEmpty ? "clients" : left)"])
            ProcessEnd.now(1)
        }
        alarm.withLock { $0 = task }
    }

    /// `service`, named in the log should it be what does not end.
    func watching(_ name: String, _ service: any Service) -> any Service {
        Watched(name: name, service: service, bound: self)
    }

    private func count(_ name: String, by change: Int) {
        running.withLock { running in
            let left = running[name, default: 0] + change
            running[name] = left == 0 ? nil : left
        }
    }

    private struct Watched: Service {
        let name: String
        let service: any Service
        let bound: ShutdownBound

        func run() async throws {
            bound.count(name, by: 1)
            defer { bound.count(name, by: -1) }
            try await service.run()
        }
    }

    /// All has ended in time.
    func disarm() {
        alarm.withLock { $0 }?.cancel()
    }
}
