import CRDKafka
import ClientSupport
import Dispatch
import Logging
import Synchronization

/// Owns an `rd_kafka_t`, the queues that wake its actor, and what its callbacks reach.
///
/// Every call is made on the owning actor's queue. Destruction goes from the outside in: the queues stop waking and are
/// given back, then the client ends its threads, then context and wake, which those threads used, are released.
struct ClientHandle: ~Copyable {
    private var parts: Parts

    /// - Throws: `KafkaError` if librdkafka refuses the settings.
    init(
        producer settings: consuming ClientSettings, context: ClientContext, wake: QueueWake
    ) throws(KafkaError) {
        settings.setContext(context)
        let client = try settings.makeClient(RD_KAFKA_PRODUCER)
        parts = Parts(client: client, main: rd_kafka_queue_get_main(client), context: context, wake: wake)
    }

    /// - Throws: `KafkaError` if librdkafka refuses the settings.
    init(
        consumer settings: consuming ClientSettings, context: ClientContext, wake: QueueWake
    ) throws(KafkaError) {
        settings.setContext(context)
        let client = try settings.makeClient(RD_KAFKA_CONSUMER)
        // Errors and the like come with the records, so that one poll serves all.
        rd_kafka_poll_set_consumer(client)
        parts = Parts(client: client, main: rd_kafka_queue_get_consumer(client), context: context, wake: wake)
        parts.addReplies()
    }

    deinit {
        parts.destroy()
    }

    /// Valid while the handle is.
    var client: OpaquePointer { parts.client }

    /// The consumer's own queue for the results of commits.
    var replies: OpaquePointer? { parts.replies }

    /// A further queue that wakes, for what a consumer still has to say while it leaves its group.
    mutating func addClosing() -> OpaquePointer? {
        parts.addClosing()
        return parts.closing
    }

    /// Destroys the client on a thread of its own.
    consuming func destroyInBackground() {
        nonisolated(unsafe) let parts = parts
        discard self
        DispatchQueue(label: "kafka.destroy").async { parts.destroy() }
    }

    /// Destroys the client on a thread of its own and waits for that until `deadline` at most.
    ///
    /// One of its threads may be in a name lookup, which nothing can interrupt; then it ends in the background.
    consuming func destroy(deadline: Deadline, logger: Logger, isolation: isolated (any Actor)? = #isolation) async {
        // Nothing else uses the pointers from here on.
        nonisolated(unsafe) let parts = parts
        discard self
        let isDestroyed = await withCheckedContinuation { continuation in
            let once = Once(continuation)
            DispatchQueue(label: "kafka.destroy").async {
                parts.destroy()
                once.resume(returning: true)
            }
            let left = Int(deadline.remainingMilliseconds)
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(left)) {
                once.resume(returning: false)
            }
        }
        if !isDestroyed { logger.warning("Kafka client goes on shutting down in the background") }
    }
}

extension ClientHandle {
    /// The C side as plain pointers, so that it can be handed to the thread that destroys it.
    fileprivate struct Parts {
        let client: OpaquePointer
        private let main: OpaquePointer?
        private(set) var replies: OpaquePointer?
        private(set) var closing: OpaquePointer?
        private let context: Unmanaged<ClientContext>
        private let wake: Unmanaged<QueueWake>
        /// Calls that are made on other threads than the owner's.
        private let calls = Unmanaged.passRetained(DispatchGroup())

        init(client: OpaquePointer, main: OpaquePointer?, context: ClientContext, wake: QueueWake) {
            self.client = client
            self.main = main
            self.context = .passRetained(context)
            self.wake = .passRetained(wake)
            if let main { wake.attach(to: main) }
        }

        mutating func addReplies() {
            replies = addQueue()
        }

        mutating func addClosing() {
            closing = addQueue()
        }

        private func addQueue() -> OpaquePointer? {
            let queue = rd_kafka_queue_new(client)
            if let queue { wake.takeUnretainedValue().attach(to: queue) }
            return queue
        }

        /// Runs `call` on a thread of its own; the client is destroyed after it.
        func callElsewhere(_ call: @escaping @Sendable (OpaquePointer) -> Void) {
            nonisolated(unsafe) let client = client
            DispatchQueue(label: "kafka.call").async(group: calls.takeUnretainedValue()) { call(client) }
        }

        func destroy() {
            calls.takeUnretainedValue().wait()
            for queue in [main, replies, closing] {
                guard let queue else { continue }
                QueueWake.detach(from: queue)
                rd_kafka_queue_destroy(queue)
            }
            // A consumer has left its group before, by its own deadline; here that could take for ever.
            rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            context.release()
            wake.release()
            calls.release()
        }
    }

    /// A continuation that the first of several resumes.
    private final class Once: Sendable {
        private let continuation: Mutex<CheckedContinuation<Bool, Never>?>

        init(_ continuation: CheckedContinuation<Bool, Never>) {
            self.continuation = Mutex(continuation)
        }

        func resume(returning value: Bool) {
            continuation.withLock { $0.take() }?.resume(returning: value)
        }
    }
}

// MARK: - Calls common to producers and consumers

extension ClientHandle {
    /// Asks any broker for a sign of life on a thread of its own, since that blocks for `deadline` at most; the client is not
    /// destroyed meanwhile. `answer` is called there.
    func lookUpBrokers(deadline: Deadline, answer: @escaping @Sendable (rd_kafka_resp_err_t) -> Void) {
        parts.callElsewhere { client in
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(client, 0, nil, &metadata, max(1, deadline.remainingMilliseconds))
            if let metadata { rd_kafka_metadata_destroy(metadata) }
            answer(code)
        }
    }

    /// Asks any broker for the names it knows; blocks its queue for `deadline` at most.
    ///
    /// - Returns: the number of partitions of `topic`, or 0 without one.
    func metadata(topic: String?, deadline: Deadline, context: ClientContext) throws(KafkaError) -> Int {
        let operation = topic.map { "look up topic \($0)" } ?? "look up brokers"
        let topicPointer = topic.flatMap { rd_kafka_topic_new(client, $0, nil) }
        defer { if let topicPointer { rd_kafka_topic_destroy(topicPointer) } }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client, 0, topicPointer, &metadata, max(1, deadline.remainingMilliseconds))
        defer { if let metadata { rd_kafka_metadata_destroy(metadata) } }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
            throw KafkaError(code, operation, outage: context.outageReason)
        }
        guard topic != nil else { return 0 }
        guard metadata.pointee.topic_cnt > 0, let found = metadata.pointee.topics?.pointee else {
            throw KafkaError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, operation)
        }
        guard found.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(found.err, operation) }
        return Int(found.partition_cnt)
    }
}
