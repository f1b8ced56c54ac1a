package import ClientSupport
import Dispatch
package import Logging

/// Publishes messages and waits for the server's word that it has them on disk.
///
/// It connects when it is first used and again when the connection is gone, declares its topology each time, and answers
/// heartbeats by itself. A connection that stands still is given up when the oldest call's time is over.
package actor RabbitPublisher {
    private enum Release { case ready, late, cancelled }

    /// Messages that one call has on the way at once.
    private static let windowMax = 1000

    private let configuration: RabbitConfiguration
    private let topology: RabbitTopology
    private let logger: Logger
    private let executor = ThreadExecutor(label: "rabbitmq.publisher")
    private let waiters = WaiterQueue<Release>(timers: .global())
    private var handle: ConnectionHandle?
    private var ledger = ConfirmLedger()
    private var redial: Redial
    private var isClosed = false
    private var madeQueues: Set<String> = []
    /// How often it has connected.
    package private(set) var connections: UInt64 = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Parameter topology: what has to be there; declared whenever it connects.
    package init(_ configuration: RabbitConfiguration, topology: RabbitTopology = RabbitTopology(), logger: Logger) {
        self.configuration = configuration
        self.topology = topology
        self.logger = logger
        redial = Redial(configuration.reconnect)
    }

    isolated deinit {
        executor.unwatch()
        handle = nil
        executor.stop()
    }

    /// Publishes messages in order and returns one result for each: a success once every queue that gets it has it on disk.
    /// What comes behind a message that failed may not have been sent.
    ///
    /// - Throws: `RabbitError` if there is no connection, or the caller is cancelled.
    package func publish(
        _ messages: [RabbitMessage], deadline: Deadline? = nil
    ) async throws(RabbitError) -> [Result<Void, RabbitError>] {
        let deadline = deadline ?? .after(configuration.operationTimeout)
        var results: [Result<Void, RabbitError>] = []
        results.reserveCapacity(messages.count)
        while results.count < messages.count {
            let window = messages[results.count..<min(results.count + Self.windowMax, messages.count)]
            results += try await publish(window: Array(window), deadline)
            guard case .failure(let error)? = results.first(where: { (try? $0.get()) == nil }) else { continue }
            let unsent = error.happening(false)
            results += Array(repeating: .failure(unsent), count: messages.count - results.count)
        }
        return results
    }

    /// The queues that it has made since the last call: they were not there when it connected, so what had been published to
    /// them is gone.
    package func takeMadeQueues() throws(RabbitError) -> Set<String> {
        try connect()
        defer { madeQueues = [] }
        return madeQueues
    }

    /// Declares its topology again: a message came back, so something of it is gone. That takes another connection, since the
    /// server closes the channel of whoever asks for a queue that is not there.
    package func declareAgain() throws(RabbitError) {
        lost(RabbitError(.connectionLost, "given up to declare what is gone"))
        try connect()
    }

    /// Asks the server for a sign of life.
    package func ping() throws(RabbitError) {
        try connect()
        do throws(RabbitError) {
            try handle?.hello()
            try drain()
        } catch {
            lost(error)
            throw error
        }
    }

    /// Gives up what is on the way, whose callers learn it, and ends.
    package func close(deadline: Deadline) {
        guard !isClosed else { return }
        isClosed = true
        handle?.close(deadline: deadline)
        lost(RabbitError(.closed, "the publisher is closed"))
    }
}

extension RabbitPublisher {
    private func publish(
        window: [RabbitMessage], _ deadline: Deadline
    ) async throws(RabbitError) -> [Result<Void, RabbitError>] {
        if Task.isCancelled { throw RabbitError(.cancelled, "publishing was cancelled") }
        try connect()
        let batch = waiters.makeID()
        ledger.open(batch, count: window.count)
        send(window, batch, deadline)
        if !ledger.isFinished(batch) {
            switch await waiters.wait(as: batch, until: deadline, late: .late, cancelled: .cancelled) {
            case .ready: break
            case .cancelled:
                let error = RabbitError(.cancelled, "publishing was cancelled", mayHaveHappened: true)
                _ = ledger.close(batch, missing: error)
                throw error
            case .late:
                // Whatever holds the server up, later confirms would be of messages that nobody waits for.
                lost(RabbitError(.deadlinePassed, "the server confirmed nothing in time"))
            }
        }
        return ledger.close(
            batch, missing: RabbitError(.deadlinePassed, "the server confirmed nothing in time", mayHaveHappened: true))
    }

    private func send(_ window: [RabbitMessage], _ batch: UInt64, _ deadline: Deadline) {
        for (index, message) in window.enumerated() {
            guard let refusal = handle?.refusal(of: message, bytesMax: configuration.messageBytesMax) else { continue }
            ledger.resolve(batch, index, .failure(refusal))
        }
        let refused = (0..<window.count).first { ledger.isResolved(batch, $0) } ?? window.count
        do throws(RabbitError) {
            handle?.watch.begin(until: deadline)
            // What is behind one that can't be sent must not overtake it.
            for index in 0..<refused {
                let number = ledger.sending(batch, index)
                try handle?.publish(window[index], correlation: number)
            }
            handle?.watch.end()
            try drain()
        } catch {
            lost(error)
        }
        for index in refused..<window.count {
            ledger.resolve(batch, index, .failure(RabbitError(.invalid, "not sent: one before it can't be")))
        }
    }

    private func connect() throws(RabbitError) {
        guard !isClosed else { throw RabbitError(.closed, "the publisher is closed") }
        guard handle == nil else { return }
        try redial.check()
        do throws(RabbitError) {
            var new = try ConnectionHandle.open(configuration)
            let declared = try new.declare(topology)
            madeQueues.formUnion(declared.made)
            for refusal in declared.refusals {
                logger.error("a queue is not as it has to be", metadata: ["error": "\(refusal)"])
            }
            try new.confirmMessages()
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
        logger.debug("connected to RabbitMQ", metadata: ["server": "\(configuration.endpoint)"])
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
            case .confirmed(let tag, let isMultiple, let isTaken):
                for batch in ledger.confirmed(tag, isMultiple: isMultiple, isTaken: isTaken) {
                    waiters.release(batch, with: .ready)
                }
            case .returned(let reason, let correlation):
                guard let number = correlation.flatMap(UInt64.init), ledger.returned(number: number, reason: reason)
                else {
                    throw RabbitError(.protocolViolation, "the server returned a message that was not sent")
                }
            case .closed(let error): throw error
            case .delivery, .consumerEnded: break
            }
        }
    }

    private func lost(_ error: RabbitError) {
        executor.unwatch()
        handle = nil
        for batch in ledger.lost(error) { waiters.release(batch, with: .ready) }
        if error.code != .closed {
            logger.info("RabbitMQ connection ended", metadata: ["error": "\(error)"])
        }
    }
}
