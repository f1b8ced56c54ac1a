package import Foundation

/// The queue of open requests, leased to workers. Time is the database's.
///
/// A task is claimable when its `available_at` has come. Claiming moves that to the lease's end, so a dead worker's tasks
/// become claimable by themselves. What names a lease that has been taken over changes nothing and returns false.
package protocol TaskQueue: Sendable {
    /// Makes sure of what the queue needs beside its tasks, such as indexes: a queue that was lost has lost them too.
    func prepare() async throws

    /// Adds tasks that are not there yet, or are there in an earlier generation. Returns once that is durable;
    /// `whenVisible` is called before, as soon as they can be claimed; they become durable when it has returned.
    func enqueue(_ tasks: [AnalysisTask], whenVisible: @escaping @Sendable () async -> Void) async throws

    /// Removes the tasks of requests that are closed, whoever holds them, up to the generation that each names: an old
    /// cancellation that is delivered late leaves a retry alone.
    func remove(_ tasks: [AnalysisTask]) async throws

    /// Leases up to `limit` claimable tasks, those that have waited longest first; or, after a claim whose answer was lost,
    /// gives what that one has leased. A task that can't be read is leased too, as a claim with a `problem`.
    func claim(limit: Int, worker: String, leaseDuration: Duration) async throws -> [Claim]

    /// Makes leases end `leaseDuration` from now.
    func renew(_ leases: [Lease], leaseDuration: Duration) async throws -> [Bool]

    /// Gives tasks back, claimable after each one's `delay`. `refundingAttempt` where the attempt was not the task's fault:
    /// the worker shuts down, or a store was away.
    func release(_ releases: [TaskRelease]) async throws -> [Bool]

    /// Deletes tasks whose requests are closed.
    func acknowledge(_ leases: [Lease]) async throws -> [Bool]

    /// Keeps tasks as dead, with the error that they met; they are never claimed again.
    func bury(_ burials: [TaskBurial]) async throws -> [Bool]

    /// Up to `limit` dead tasks behind `after`, in the order of their ids.
    func dead(after: RequestID?, limit: Int) async throws -> [DeadTask]

    /// The dead tasks of these requests, nil where there is none.
    func dead(_ ids: [RequestID]) async throws -> [DeadTask?]

    /// How many tasks are claimable, leased or waiting, and dead. For metrics; may lag behind.
    func depth() async throws -> QueueDepth
}

extension TaskQueue {
    package func enqueue(_ tasks: [AnalysisTask]) async throws {
        try await enqueue(tasks) {}
    }
}

package struct TaskRelease: Sendable, Hashable {
    package let lease: Lease
    package let delay: Duration
    package let refundingAttempt: Bool
    /// What the attempt met, kept with the task.
    package let error: String?

    package init(lease: Lease, delay: Duration, refundingAttempt: Bool, error: String? = nil) {
        self.lease = lease
        self.delay = delay
        self.refundingAttempt = refundingAttempt
        self.error = error
    }
}

package struct TaskBurial: Sendable, Hashable {
    package let lease: Lease
    package let error: String
    /// What is kept in place of a task that can't be read.
    package let replacement: AnalysisTask?

    package init(lease: Lease, error: String, replacement: AnalysisTask? = nil) {
        self.lease = lease
        self.error = error
        self.replacement = replacement
    }
}

/// A task that was given up.
package struct DeadTask: Sendable, Hashable {
    package let task: AnalysisTask
    /// How often it was claimed in its generation.
    package let attempts: Int
    /// What the last attempt met.
    package let error: String
    package let buriedAt: Date

    package init(task: AnalysisTask, attempts: Int, error: String, buriedAt: Date) {
        self.task = task
        self.attempts = attempts
        self.error = error
        self.buriedAt = buriedAt
    }
}

package struct QueueDepth: Sendable, Hashable {
    package let claimable: Int
    package let waiting: Int
    package let dead: Int

    package init(claimable: Int, waiting: Int, dead: Int) {
        self.claimable = claimable
        self.waiting = waiting
        self.dead = dead
    }
}
