import Foundation
import Synchronization

/// Every point between two neighbouring store writes of the pipeline, where a process may be made to die.
///
/// `QUARTET_FAILPOINT=NAME` or `NAME@N` in the environment kills the process with SIGKILL when it comes by for the first or
/// the N-th time; `NAME:stop` or `NAME@N:stop` stops it with SIGSTOP, so that the world can change meanwhile. Several are
/// separated by commas. Without the variable a point costs one comparison.
package enum Failpoint: String, Sendable, CaseIterable {
    case productStored = "product.stored"
    case reviewsStored = "reviews.stored"
    case submitStored = "submit.stored"
    case cancelStored = "cancel.stored"
    case retryStored = "retry.stored"
    case dropStored = "drop.stored"
    case cacheFilled = "cache.filled"
    case cacheHinted = "cache.hinted"
    case relayRead = "relay.read"
    case tasksVisible = "tasks.visible"
    case tasksEnqueued = "tasks.enqueued"
    case tasksRemoved = "tasks.removed"
    case cancellationsReported = "cancellations.reported"
    case eventsPublished = "events.published"
    case relayDelivered = "relay.delivered"
    case cursorAdvanced = "cursor.advanced"
    case taskClaimed = "task.claimed"
    case suspectsPutBack = "suspects.put_back"
    case sessionPinned = "session.pinned"
    case sessionPinnedAgain = "session.pinned_again"
    case cardsStored = "cards.stored"
    case misfitsReplaced = "misfits.replaced"
    case keywordsStored = "keywords.stored"
    case progressReported = "progress.reported"
    case resultStored = "result.stored"
    case failureStored = "failure.stored"
    case taskBuried = "task.buried"
    case closedTaskRemoved = "closed_task.removed"
    case failureReported = "failure.reported"
    case taskReleased = "task.released"
    case owedTasksReleased = "owed_tasks.released"
    case taskAcknowledged = "task.acknowledged"
    case eventSetAside = "event.set_aside"
    case lettersRedriven = "letters.redriven"
    case cacheInvalidated = "cache.invalidated"
    case eventsCommitted = "events.committed"
    case userStored = "user.stored"
    case userDeleted = "user.deleted"
    case readModelApplied = "read_model.applied"
    case pageCopied = "page.copied"
    case ordersStored = "orders.stored"
    case agingRefilled = "aging.refilled"
    case syncPageFetched = "sync.page_fetched"
    case syncPageStored = "sync.page_stored"
    case syncPassEnded = "sync.pass_ended"

    private struct Armed {
        let point: Failpoint
        let hits: Int
        let signal: Int32
    }

    private static let armed = ProcessInfo.processInfo.environment["QUARTET_FAILPOINT"].map(parse)
    private static let hits = Mutex<[Failpoint: Int]>([:])

    /// Says that the process is here.
    package func reached() {
        guard let armed = Self.armed?.first(where: { $0.point == self }) else { return }
        let count = Self.hits.withLock { hits in
            hits[self, default: 0] += 1
            return hits[self]
        }
        if count == armed.hits { kill(getpid(), armed.signal) }
    }

    private static func parse(_ text: String) -> [Armed] {
        text.split(separator: ",").map { part in
            let (place, isStop) = part.hasSuffix(":stop") ? (part.dropLast(5), true) : (part, false)
            let parts = place.split(separator: "@", maxSplits: 1)
            guard let name = parts.first, let point = Failpoint(rawValue: String(name)),
                let hits = parts.count == 1 ? 1 : Int(parts[1])
            else {
                preconditionFailure("QUARTET_FAILPOINT names no failpoint: \(part)")
            }
            return Armed(point: point, hits: hits, signal: isStop ? SIGSTOP : SIGKILL)
        }
    }
}
