import CRDKafka
import Dispatch
import Synchronization

/// Runs a handler on a queue whenever a librdkafka queue stops being empty, so that nobody has to wait in a C call.
///
/// librdkafka calls with its own lock held, on any of its threads: the callback only enqueues.
final class QueueWake: Sendable {
    /// A closure kept in generic storage by itself would gain a reabstraction thunk with every access, without end.
    private struct Handler {
        let run: @Sendable () -> Void
    }

    private let queue: DispatchQueue
    private let handler = Mutex<Handler?>(nil)

    init(queue: DispatchQueue) {
        self.queue = queue
    }

    /// Sets the handler, and runs it once for what came before.
    func start(_ handler: @escaping @Sendable () -> Void) {
        self.handler.withLock { $0 = Handler(run: handler) }
        wake()
    }

    func wake() {
        guard let handler = handler.withLock({ $0 }) else { return }
        queue.async(execute: handler.run)
    }
}

extension QueueWake {
    /// Makes `queue` wake; `self` must live until it no longer does.
    func attach(to queue: OpaquePointer) {
        rd_kafka_queue_cb_event_enable(queue, queueStoppedBeingEmpty, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Returns when no callback of `queue` runs or will run.
    static func detach(from queue: OpaquePointer) {
        rd_kafka_queue_cb_event_enable(queue, nil, nil)
    }
}

private func queueStoppedBeingEmpty(_: OpaquePointer?, _ opaque: UnsafeMutableRawPointer?) {
    guard let opaque else { return }
    Unmanaged<QueueWake>.fromOpaque(opaque).takeUnretainedValue().wake()
}
