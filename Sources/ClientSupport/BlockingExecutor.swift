package import Dispatch

/// An actor executor on one serial queue of its own, for an actor that owns a C handle whose calls block.
///
/// Blocking on the cooperative pool would stop every task of the process after as many calls as there are cores, and one
/// concurrent queue shared by all handles is no better; one serial queue per handle is.
package final class BlockingExecutor: SerialExecutor {
    package let queue: DispatchQueue

    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // The job may drop the last reference to its actor, and with it this executor.
        queue.async { [self] in job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
