/// A task leased to a worker. Everything the worker does to the task names the token.
package struct Claim: Sendable, Hashable {
    package let task: AnalysisTask
    /// How often the task was claimed in this generation, this claim included.
    package let attempt: Int
    /// How often a lease of the task ran out in this generation: its worker died or froze with the task in hand.
    package let lapses: Int
    package let lease: Lease

    package init(task: AnalysisTask, attempt: Int, lapses: Int = 0, lease: Lease) {
        self.task = task
        self.attempt = attempt
        self.lapses = lapses
        self.lease = lease
    }
}
