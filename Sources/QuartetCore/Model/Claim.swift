/// A task leased to a worker. Everything the worker does to the task names the token.
package struct Claim: Sendable, Hashable {
    package let task: AnalysisTask
    /// How often the task was claimed in this generation, this claim included.
    package let attempt: Int
    /// How often a lease of the task ran out in this generation: its worker died or froze with the task in hand.
    package let lapses: Int
    package let lease: Lease
    /// What is wrong with the task as it is stored, if it can't be read: of `task` the request's id alone counts then.
    package let problem: String?

    package init(task: AnalysisTask, attempt: Int, lapses: Int = 0, lease: Lease, problem: String? = nil) {
        self.task = task
        self.attempt = attempt
        self.lapses = lapses
        self.lease = lease
        self.problem = problem
    }
}
