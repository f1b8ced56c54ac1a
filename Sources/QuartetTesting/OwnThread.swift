import Dispatch
package import Testing

/// Runs each test on a thread of its own.
///
/// It is for tests that compute for seconds. There are as many threads for tasks as processors, and such a test would keep
/// one from all the others: their deadlines would pass without anybody at fault.
package struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(QueueExecutor()) { try await body() }
    }

    package func scopeProvider(for test: Test, testCase: Test.Case?) -> OwnThread? { testCase == nil ? nil : self }
}

extension Trait where Self == OwnThread {
    /// Runs each test on a thread of its own: for tests that compute for seconds.
    package static var ownThread: OwnThread { OwnThread() }
}

/// Runs jobs one after another on a serial queue, which Dispatch gives a thread beside those of the tasks.
private final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "test")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
