/// Progress of tasks, which only ever grows and expires by itself, and the doorbells that say "look again".
package protocol ProgressBoard: Sendable {
    /// Publishes progress, where it is later than what is there, and tells those who follow the task.
    ///
    /// - Parameter invalidating: what the cache must not show any more to those who are told; in the same round trip.
    func report(_ progress: [Progress], invalidating: [CacheInvalidation]) async throws

    /// The progress of these requests, nil where none is known.
    func read(_ ids: [RequestID]) async throws -> [Progress?]

    /// Yields the request's progress as it is after each report that changed it, or nil when reports may have been missed:
    /// read it then. Begins with nil, and ends with a completion, behind which nothing comes. Only the latest waits for a
    /// slow follower. Followers of one process share one subscription.
    func reports(of request: RequestID) -> AsyncStream<Progress?>

    /// Rings for whoever listens. A bell may be lost: listeners also look from time to time.
    ///
    /// - Parameter task: the one that it rings for, so that listeners may prepare for it; nil where it is not one.
    func ring(_ bell: Doorbell, for task: AnalysisTask?) async throws

    /// Yields at each ring the task that it is for, and nil when rings may have been missed. Only the latest waits for a
    /// slow listener. Listeners of one process share one subscription.
    func rings(of bell: Doorbell) -> AsyncStream<AnalysisTask?>
}

extension ProgressBoard {
    package func report(_ progress: [Progress]) async throws { try await report(progress, invalidating: []) }

    package func ring(_ bell: Doorbell) async throws { try await ring(bell, for: nil) }
}

package enum Doorbell: Sendable, Hashable {
    /// A task is about to be in the queue: who has nothing to do may prepare for it.
    case arrivals
    /// New tasks are in the queue.
    case queue
    /// Tasks were taken out of the queue: whoever holds one looks whether the lease still holds.
    case leases
}
