/// How far a task is. Cards only ever become more; of two phases that of the later generation, then the one that is
/// closed, is the later: running, failed, cancelled, completed.
package struct Progress: Sendable, Hashable {
    package let requestID: RequestID
    package let generation: Int
    /// Cards stored.
    package let done: Int
    /// Length of the manifest.
    package let total: Int
    package let phase: Phase

    package enum Phase: String, Sendable, Hashable {
        case running, completed, failed, cancelled
    }

    package init(requestID: RequestID, generation: Int = 1, done: Int, total: Int, phase: Phase = .running) {
        self.requestID = requestID
        self.generation = generation
        self.done = done
        self.total = total
        self.phase = phase
    }

    /// Nothing comes behind it, whatever else was reported.
    package var isWhole: Bool { phase == .completed && total > 0 && done == total }
}
