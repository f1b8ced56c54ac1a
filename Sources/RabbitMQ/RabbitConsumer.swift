package import ClientSupport
import DequeModule
import Dispatch
package import Logging

/// Takes the messages of one queue.
///
/// Take messages with `next`, do the work, then `acknowledge` them: what is not acknowledged is given to whoever consumes
/// the queue next, this consumer included after its connection was lost. It connects when it is first used, and answers
/// heartbeats by itself, however long the work takes.
package actor RabbitConsumer {
    private enum Release { case ready, late, cancelled }

    private let configuration: RabbitConfiguration
    private let topology: RabbitTopology
    private let queue: String
    private let prefetch: UInt16
    private let logger: Logger
    private let executor = ThreadExecutor(label: "rabbitmq.consumer")
    private let waiters = WaiterQueue<Release>(timers: .global())
    private var handle: ConnectionHandle?
    /// Never more than `prefetch`.
    private var ahead = Deque<RabbitDelivery>()
    private var redial: Redial
    private var failure: RabbitError?
    private var isClosed = false
    package private(set) var connections: UInt64 = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - topology: what has to be there; declared whenever it connects.
    ///   - prefetch: how many messages it may have that are not acknowledged.
    package init(
        _ configuration: RabbitConfiguration, queue: String, topology: RabbitTopology = RabbitTopology(),
        prefetch: UInt16 = 1000, logger: Logger
    ) {
        precondition(prefetch > 0, "without a limit a queue would be sent whole")
        self.configuration = configuration
        self.queue = queue
        self.topology = topology
        self.prefetch = prefetch
        self.logger = logger
        redial = Redial(configuration.reconnect)
    }

    isolated deinit {
        executor.unwatch()
        handle = nil
        executor.stop()
    }

    /// What is new, at most `max` messages, or none when `timeout` passes first. One caller at a time.
    ///
    /// - Throws: `RabbitError` if the connection can't be made or was lost, once; the next call connects again.
    package func next(max: Int, timeout: Duration) async throws(RabbitError) -> [RabbitDelivery] {
        try connect()
        if ahead.isEmpty, failure == nil {
            switch await waiters.wait(as: waiters.makeID(), until: .after(timeout), late: .late, cancelled: .cancelled)
            {
            case .ready, .late: break
            case .cancelled: throw RabbitError(.cancelled, "taking messages was cancelled")
            }
        }
        if let failure = failure.take() { throw failure }
        let taken = Array(ahead.prefix(max))
        ahead.removeFirst(taken.count)
        return taken
    }

    /// Says that the work for `delivery` is done, and for all before it where `andBefore`. What came on a connection that is
    /// gone will come again: then nothing is said.
    ///
    /// - Returns: whether it was said.
    @discardableResult
    package func acknowledge(_ delivery: RabbitDelivery, andBefore: Bool = true) throws(RabbitError) -> Bool {
        guard delivery.connection == connections, handle != nil else { return false }
        do throws(RabbitError) {
            try handle?.acknowledge(delivery.tag, andBefore: andBefore)
        } catch {
            lost(error)
            throw error.happening(true)
        }
        return true
    }

    /// Leaves the queue: what is not acknowledged goes to others.
    package func close(deadline: Deadline) {
        guard !isClosed else { return }
        isClosed = true
        handle?.close(deadline: deadline)
        lost(RabbitError(.closed, "the consumer is closed"))
    }
}

extension RabbitConsumer {
    private func connect() throws(RabbitError) {
        guard !isClosed else { throw RabbitError(.closed, "the consumer is closed") }
        guard handle == nil, failure == nil else { return }
        try redial.check()
        do throws(RabbitError) {
            var new = try ConnectionHandle.open(configuration)
            _ = try new.declare(topology)
            try new.consume(queue, prefetch: prefetch)
            executor.watch(new.descriptor, every: configuration.pulse) { [weak self] in
                self?.assumeIsolated { $0.serve() }
            }
            handle = consume new
        } catch {
            redial.failed(error)
            throw error
        }
        redial.succeeded()
        connections += 1
        logger.debug(
            "connected to RabbitMQ", metadata: ["server": "\(configuration.endpoint)", "queue": "\(queue)"])
        // Messages may have come together with the answers.
        serve()
    }

    /// Whenever the socket has something, and as often as heartbeats are due.
    private func serve() {
        do throws(RabbitError) {
            try drain()
        } catch {
            lost(error)
        }
    }

    private func drain() throws(RabbitError) {
        while let incoming = try handle?.next() {
            switch incoming {
            case .delivery(let envelope, let headers, let body):
                guard ahead.count < Int(prefetch) else {
                    throw RabbitError(.protocolViolation, "the server sent more messages than it was asked for")
                }
                ahead.append(
                    RabbitDelivery(
                        tag: envelope.tag, connection: connections, isRedelivered: envelope.isRedelivered,
                        exchange: envelope.exchange, routingKey: envelope.routingKey, headers: headers, body: body))
            case .consumerEnded:
                throw RabbitError(.consumerEnded, "the server ended the consumer of \(queue): was the queue deleted?")
            case .closed(let error): throw error
            case .confirmed, .returned: break
            }
        }
        if !ahead.isEmpty { waiters.releaseFirst(with: .ready) }
    }

    /// What was taken and not handed out comes again.
    private func lost(_ error: RabbitError) {
        executor.unwatch()
        handle = nil
        ahead = []
        guard error.code != .closed else { return waiters.releaseAll(with: .ready) }
        failure = error
        waiters.releaseAll(with: .ready)
        logger.info("RabbitMQ connection ended", metadata: ["error": "\(error)", "queue": "\(queue)"])
    }
}
