import Foundation
import QuartetCore
import QuartetStack
import SystemTesting
import Testing

extension Failpoint: CustomTestStringConvertible {
    package var testDescription: String { rawValue }

    /// What a test has happen so that a process comes by.
    enum Scene: CaseIterable {
        /// A product and its reviews are handed in.
        case catalogue
        /// A request is made, cancelled, retried.
        case request
        /// A product is read.
        case lookup
        /// A failed request is dropped.
        case drop
        /// A request and a cancelled one are relayed.
        case relay
        /// A request is worked on, to its completion or its failure.
        case work
        /// A task that killed workers before is claimed.
        case suspect
        /// A request is cancelled while it fails.
        case lateCancel
        /// MongoDB is away when a task is to be given back.
        case outage
        /// MongoDB loses a session before it was durable.
        case lostSession
        /// Somebody else's cards are there already.
        case strangers
        /// Events are applied to the caches.
        case invalidation
        /// Events that were put aside are sent again.
        case letters
        /// A user is created and deleted.
        case user
        /// A user's events are applied to the copy of users.
        case projection
        /// The source is copied.
        case bootstrap
        /// Orders come in from outside.
        case orders
        /// Rows have their turn in an aging cache.
        case aging
        /// A supplier's pages are fetched.
        case sync
    }

    var scene: Scene {
        switch self {
        case .productStored, .reviewsStored, .cacheHinted: .catalogue
        case .submitStored, .cancelStored, .retryStored: .request
        case .cacheFilled: .lookup
        case .dropStored: .drop
        case .relayRead, .tasksVisible, .tasksEnqueued, .tasksRemoved, .cancellationsReported, .eventsPublished,
            .relayDelivered, .cursorAdvanced:
            .relay
        case .taskClaimed, .sessionPinned, .cardsStored, .keywordsStored, .progressReported, .resultStored,
            .failureStored, .taskBuried, .failureReported, .taskReleased, .taskAcknowledged:
            .work
        case .suspectsPutBack: .suspect
        case .closedTaskRemoved: .lateCancel
        case .owedTasksReleased: .outage
        case .sessionPinnedAgain: .lostSession
        case .misfitsReplaced: .strangers
        case .eventSetAside, .cacheInvalidated, .eventsCommitted: .invalidation
        case .lettersRedriven: .letters
        case .userStored, .userDeleted: .user
        case .readModelApplied: .projection
        case .pageCopied: .bootstrap
        case .ordersStored: .orders
        case .agingRefilled: .aging
        case .syncPageFetched, .syncPageStored, .syncPassEnded: .sync
        }
    }

    static func of(_ scene: Scene) -> [Failpoint] { allCases.filter { $0.scene == scene } }

    /// Kills a process that comes by for the `hits`-th time.
    func settings(hits: Int = 1) -> [String: String] { ["QUARTET_FAILPOINT": "\(rawValue)@\(hits)"] }

    /// Stops a process at an earlier point, and kills it here. Its leases outlast what is done meanwhile.
    func settings(stoppedAt earlier: Failpoint) -> [String: String] {
        ["QUARTET_FAILPOINT": "\(earlier.rawValue):stop,\(rawValue)", "WORKER_LEASE_DURATION": "8s"]
    }
}

/// Waits until a process was stopped by its failpoint.
func expectStopped(_ process: TestProcess) async throws {
    try await eventually("\(process.name) is stopped\(process.lastWords)") {
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        return status.contains("State:\tT")
    }
}

/// Waits until a process was killed by its failpoint.
func expectKilled(_ process: TestProcess) async throws {
    let end = try await process.waitForEnd()
    try #require(end == .signal(SIGKILL), "\(process.name)\(process.lastWords)")
}
