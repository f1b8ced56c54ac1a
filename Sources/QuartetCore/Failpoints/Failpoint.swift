import Foundation
import Synchronization

/// Every point between two neighbouring store writes of the pipeline, where a process may be made to die.
///
/// `QUARTET_FAILPOINT=NAME` or `NAME@N` in the environment kills the process with SIGKILL when it comes by for the first or
/// the N-th time. Without it a point costs one comparison.
package enum Failpoint: String, Sendable, CaseIterable {
    case submitStored = "submit.stored"
    case cancelStored = "cancel.stored"
    case retryStored = "retry.stored"
    case relayRead = "relay.read"
    case tasksEnqueued = "tasks.enqueued"
    case tasksRemoved = "tasks.removed"
    case relayDelivered = "relay.delivered"
    case taskClaimed = "task.claimed"
    case sessionPinned = "session.pinned"
    case cardsStored = "cards.stored"
    case keywordsStored = "keywords.stored"
    case progressReported = "progress.reported"
    case resultStored = "result.stored"
    case failureStored = "failure.stored"
    case taskBuried = "task.buried"
    case taskReleased = "task.released"
    case taskAcknowledged = "task.acknowledged"
    case eventSetAside = "event.set_aside"
    case cacheInvalidated = "cache.invalidated"

    private struct Armed {
        let point: Failpoint
        let hits: Int
    }

    private static let armed = parse(ProcessInfo.processInfo.environment["QUARTET_FAILPOINT"])
    private static let hits = Mutex(0)

    /// Says that the process is here.
    package func reached() {
        guard let armed = Self.armed, armed.point == self else { return }
        let count = Self.hits.withLock { hits in
            hits += 1
            return hits
        }
        if count == armed.hits { kill(getpid(), SIGKILL) }
    }

    private static func parse(_ text: String?) -> Armed? {
        guard let text, !text.isEmpty else { return nil }
        let parts = text.split(separator: "@", maxSplits: 1)
        guard let point = Failpoint(rawValue: String(parts[0])), let hits = parts.count == 1 ? 1 : Int(parts[1]) else {
            preconditionFailure("QUARTET_FAILPOINT names no failpoint: \(text)")
        }
        return Armed(point: point, hits: hits)
    }
}
