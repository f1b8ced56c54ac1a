/// Progress of tasks, which only ever grows and expires by itself, and the doorbells that say "look again".
package protocol ProgressBoard: Sendable {
    /// Publishes progress, where it is later than what is there, and tells those who follow the task.
    func report(_ progress: [Progress]) async throws

    /// The progress of these requests, nil where none is known.
    func read(_ ids: [RequestID]) async throws -> [Progress?]

    /// Yields the request's progress as it is after each report that changed it, or nil when reports may have been missed:
    /// read it then. Begins with nil. Only the latest waits for a slow follower. Followers of one process share one
    /// subscription.
    func reports(of request: RequestID) -> AsyncStream<Progress?>

    /// Rings for whoever listens. A bell may be lost: listeners also look from time to time.
    func ring(_ bell: Doorbell) async throws

    /// Yields at each ring, and once when rings may have been missed. Listeners of one process share one subscription.
    func rings(of bell: Doorbell) -> AsyncStream<Void>
}

package enum Doorbell: Sendable, Hashable {
    /// New tasks are in the queue.
    case queue
    /// Tasks were taken out of the queue: whoever holds one looks whether the lease still holds.
    case leases
}
