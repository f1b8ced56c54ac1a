import Logging
import QuartetCore
import Synchronization

/// Releases that the queue could not be told of. They are handed in before the next claim: a queue that was away uses up no
/// task's attempts, and no worker is thought to have died, as long as the worker lives.
final class PendingReleases: Sendable {
    private let queue: any TaskQueue
    private let countMax: Int
    private let logger: Logger
    private let owed = Mutex<[TaskRelease]>([])

    /// - Parameter countMax: how many are kept; the leases of more run out.
    init(queue: any TaskQueue, countMax: Int, logger: Logger) {
        self.queue = queue
        self.countMax = countMax
        self.logger = logger
    }

    var count: Int { owed.withLock { $0.count } }

    func add(_ releases: [TaskRelease]) {
        let left = owed.withLock { owed in
            owed += releases.prefix(max(0, countMax - owed.count))
            return owed.count
        }
        logger.notice("tasks not given back, kept for later", metadata: ["count": "\(left)"])
    }

    /// - Throws: the queue's error; the releases are kept then. One whose lease is another's by now changes nothing.
    func handIn() async throws {
        let releases = owed.withLock { owed in
            defer { owed = [] }
            return owed
        }
        guard !releases.isEmpty else { return }
        do {
            _ = RoleMetrics.countingStale(try await queue.release(releases), "release")
            Failpoint.owedTasksReleased.reached()
        } catch {
            owed.withLock { $0 = releases + $0 }
            throw error
        }
    }
}
