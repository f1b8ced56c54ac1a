import ClientSupport
import CoreMetrics
import Logging
import QuartetCore
import Synchronization

/// Keeps the leases of the tasks in hand alive, and stops the work on those that were lost.
final class LeaseKeeper: Sendable {
    private let queue: any TaskQueue
    private let leaseDuration: Duration
    private let logger: Logger
    private let wake = WakeSignal()
    /// What is called when the lease turns out to be lost.
    private let held = Mutex<[Lease: @Sendable () -> Void]>([:])

    init(queue: any TaskQueue, leaseDuration: Duration, logger: Logger) {
        self.queue = queue
        self.leaseDuration = leaseDuration
        self.logger = logger
    }

    var count: Int { held.withLock { $0.count } }

    /// Keeps `lease` until ``drop(_:)``; `whenLost` is called if it turns out to be somebody else's.
    func keep(_ lease: Lease, whenLost: @escaping @Sendable () -> Void) {
        held.withLock { $0[lease] = whenLost }
    }

    /// Does not renew `lease` any more: its end is being written, and whether it still holds does not matter.
    func drop(_ lease: Lease) {
        held.withLock { $0[lease] = nil }
    }

    /// Lets the leases be renewed at once: some may have been taken away.
    func look() { wake.ring() }

    /// Renews every lease once.
    func renewAll() async throws {
        let leases = held.withLock { Array($0.keys) }
        guard !leases.isEmpty else { return }
        let isHeld = try await queue.renew(leases, leaseDuration: leaseDuration)
        for (lease, isHeld) in zip(leases, isHeld) where !isHeld {
            // One that was dropped while the renewal was on the way is not lost.
            guard let whenLost = held.withLock({ $0.removeValue(forKey: lease) }) else { continue }
            RoleMetrics.leasesLost.increment()
            logger.warning("lease lost, work stopped", metadata: ["request": "\(lease.requestID)"])
            whenLost()
        }
    }

    /// Renews until cancelled, often enough that one failed renewal loses nothing.
    func run() async {
        var backoff = RetryBackoff(logger: logger)
        while !Task.isCancelled {
            do {
                await wake.wait(atMost: leaseDuration / 3)
                try Task.checkCancellation()
                try await renewAll()
                backoff.succeeded("renewing leases")
            } catch is CancellationError {
                return
            } catch {
                _ = backoff.failed("renewing leases", error)
            }
        }
    }
}
