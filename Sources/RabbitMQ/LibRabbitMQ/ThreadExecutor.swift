import CRabbitMQ
import ClientSupport
import DequeModule
import Foundation
import Synchronization

/// An actor executor on one thread of its own that also watches a socket: between two jobs it sleeps in `poll`.
///
/// Calls of librabbitmq block and read tables by recursion, as deep as a message's sender likes within one frame: so the
/// thread has room for a whole frame of nested tables, where a thread of Dispatch has half a megabyte.
final class ThreadExecutor: SerialExecutor {
    private static let stackSize = 32 << 20

    private struct State {
        var jobs = Deque<UnownedJob>()
        var thread: pthread_t?
        var isStopped = false
        var watch: Watch?
    }

    private struct Watch {
        let descriptor: Int32
        let interval: Duration
        let onReady: @Sendable () -> Void
    }

    private let state = Mutex(State())
    private let wakeDescriptor: Int32

    init(label: String) {
        // EFD_NONBLOCK and EFD_CLOEXEC don't import; they are defined as these.
        wakeDescriptor = eventfd(0, O_NONBLOCK | O_CLOEXEC)
        let thread = Thread { [self] in run() }
        thread.name = label
        thread.stackSize = Self.stackSize
        thread.start()
    }

    deinit {
        close(wakeDescriptor)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wake()
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    func checkIsolated() {
        precondition(state.withLock { $0.thread } == pthread_self(), "on the connection's thread")
    }

    /// Calls `onReady` on the thread whenever the socket has something, and at least once in `interval`.
    func watch(_ descriptor: Int32, every interval: Duration, onReady: @escaping @Sendable () -> Void) {
        state.withLock { $0.watch = Watch(descriptor: descriptor, interval: interval, onReady: onReady) }
    }

    func unwatch() {
        state.withLock { $0.watch = nil }
    }

    /// The thread ends when it has nothing left to do; called when the actor is gone.
    func stop() {
        state.withLock { $0.isStopped = true }
        wake()
    }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
    }

    private func run() {
        state.withLock { $0.thread = pthread_self() }
        while true {
            while let job = state.withLock({ $0.jobs.popFirst() }) {
                job.runSynchronously(on: asUnownedSerialExecutor())
            }
            let (watch, isOver) = state.withLock { ($0.watch, $0.isStopped && $0.jobs.isEmpty) }
            guard !isOver else { return }
            idle(watch)
        }
    }

    private func idle(_ watch: Watch?) {
        var descriptors = [
            pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0),
            // A negative descriptor is left out.
            pollfd(fd: watch?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        let timeout = watch.map { Int32(min($0.interval.wholeMilliseconds, 60_000)) } ?? -1
        let ready = poll(&descriptors, nfds_t(descriptors.count), timeout)
        if descriptors[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
        }
        if ready == 0 || descriptors[1].revents != 0 { watch?.onReady() }
    }
}
