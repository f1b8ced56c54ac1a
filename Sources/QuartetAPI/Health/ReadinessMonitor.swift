import ClientSupport
import Logging
import Synchronization

/// What is known of the stores. Each has one check on the way at most, however many ask; who asks waits for it a little, and
/// is told what was known before where it takes longer.
final class ReadinessMonitor: Sendable {
    private struct Entry {
        /// Nil before the first check has ended.
        var isAnswering: Bool?
        var check: (began: ContinuousClock.Instant, task: Task<Void, Never>)?
    }

    private static let checkTimeout: Duration = .seconds(2)

    private let probes: [ReadinessProbe]
    private let logger: Logger
    private let entries = Mutex<[String: Entry]>([:])

    init(probes: [ReadinessProbe], logger: Logger) {
        self.probes = probes
        self.logger = logger
    }

    /// The stores that do not answer.
    func missing(within patience: Duration = .milliseconds(250)) async -> Set<String> {
        let checks = probes.map(check)
        let (end, finish) = AsyncStream.makeStream(of: Void.self)
        let waiting = Task {
            for check in checks { await check.value }
            finish.finish()
        }
        let timer = Task {
            try? await ContinuousClock().sleep(until: .now.advanced(by: patience))
            finish.finish()
        }
        for await _ in end {}
        timer.cancel()
        waiting.cancel()
        return Set(probes.map(\.store).filter { !isAnswering($0) })
    }

    /// The check that is on the way, or a new one.
    private func check(_ probe: ReadinessProbe) -> Task<Void, Never> {
        entries.withLock { entries in
            if let check = entries[probe.store]?.check { return check.task }
            let task = Task { [self] in
                do {
                    let deadline = Deadline.after(Self.checkTimeout)
                    try await withDeadline(deadline, waitingFor: probe.store) { try await probe.check(deadline) }
                    learn(probe.store, isAnswering: true)
                } catch {
                    learn(probe.store, isAnswering: false, error: error)
                }
                forgetCheck(of: probe.store)
            }
            entries[probe.store, default: Entry()].check = (.now, task)
            return task
        }
    }

    private func forgetCheck(of store: String) {
        entries.withLock { $0[store]?.check = nil }
    }

    /// A check that hangs beyond its time is an answer too.
    private func isAnswering(_ store: String) -> Bool {
        let (known, isOverdue) = entries.withLock { entries in
            let entry = entries[store]
            let began = entry?.check?.began ?? .now
            return (entry?.isAnswering ?? false, began.duration(to: .now) > Self.checkTimeout * 2)
        }
        if known, isOverdue { learn(store, isAnswering: false, error: DeadlineExceeded(waitingFor: store)) }
        return known && !isOverdue
    }

    /// As many lines as changes: probes come every few seconds. Why a store does not answer is for the log alone, since
    /// anybody may ask.
    private func learn(_ store: String, isAnswering: Bool, error: (any Error)? = nil) {
        let before = entries.withLock { entries in
            let before = entries[store]?.isAnswering
            entries[store, default: Entry()].isAnswering = isAnswering
            return before
        }
        guard before != isAnswering else { return }
        if let error {
            logger.warning("store does not answer", metadata: ["store": "\(store)", "error": "\(error)"])
        } else if before != nil {
            logger.notice("store answers again", metadata: ["store": "\(store)"])
        }
    }
}
