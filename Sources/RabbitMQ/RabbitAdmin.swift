package import ClientSupport
package import Logging

/// Declares, looks at queues, and takes messages out of them one by one. One connection, made when it is first used.
package actor RabbitAdmin {
    private let configuration: RabbitConfiguration
    private let logger: Logger
    private let executor = ThreadExecutor(label: "rabbitmq.admin")
    private var handle: ConnectionHandle?
    private var connections: UInt64 = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package init(_ configuration: RabbitConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    isolated deinit {
        executor.unwatch()
        handle = nil
        executor.stop()
    }

    /// Declares what there is to be; returns the queues that were not there before.
    ///
    /// - Throws: `RabbitError`, once all others are there, for a queue that somebody has declared otherwise.
    package func declare(_ topology: RabbitTopology) throws(RabbitError) -> [String] {
        try connect()
        do throws(RabbitError) {
            guard let declared = try handle?.declare(topology) else { return [] }
            if let refusal = declared.refusals.first { throw refusal }
            return declared.made
        } catch {
            throw lost(error)
        }
    }

    /// What a queue has; nil where there is none.
    package func state(of queue: String) throws(RabbitError) -> RabbitQueueState? {
        try connect()
        do throws(RabbitError) {
            return try handle?.look(at: queue)
        } catch {
            throw lost(error)
        }
    }

    /// Takes the first message of a queue; nil where there is none. It goes back into its place when the connection ends,
    /// unless it was acknowledged before.
    package func take(from queue: String) throws(RabbitError) -> RabbitDelivery? {
        try connect()
        do throws(RabbitError) {
            switch try handle?.get(queue) {
            case .delivery(let envelope, let headers, let body):
                return RabbitDelivery(
                    tag: envelope.tag, connection: connections, isRedelivered: envelope.isRedelivered,
                    exchange: envelope.exchange, routingKey: envelope.routingKey, headers: headers, body: body)
            case .closed(let error): throw error
            default: return nil
            }
        } catch {
            throw lost(error)
        }
    }

    /// Removes a message for good.
    ///
    /// - Throws: `RabbitError` where it can't be said, or the message has gone back meanwhile.
    package func acknowledge(_ delivery: RabbitDelivery) throws(RabbitError) {
        guard delivery.connection == connections, handle != nil else {
            throw RabbitError(.connectionLost, "the message has gone back to its queue")
        }
        do throws(RabbitError) {
            try handle?.acknowledge(delivery.tag, andBefore: false)
            // An answer to what comes after it says that the server has it.
            try handle?.hello()
        } catch {
            throw lost(error).happening(true)
        }
    }

    /// Ends the connection, so that messages that were taken go back; the next call connects again.
    package func disconnect(deadline: Deadline = .after(.seconds(5))) {
        executor.unwatch()
        handle?.close(deadline: deadline)
        handle = nil
    }

    private func connect() throws(RabbitError) {
        guard handle == nil else { return }
        let new = try ConnectionHandle.open(configuration)
        executor.watch(new.descriptor, every: configuration.pulse) { [weak self] in
            self?.assumeIsolated { $0.serve() }
        }
        handle = consume new
        connections += 1
    }

    private func serve() {
        do throws(RabbitError) {
            while let incoming = try handle?.next() {
                if case .closed(let error) = incoming { throw error }
            }
        } catch {
            _ = lost(error)
        }
    }

    private func lost(_ error: RabbitError) -> RabbitError {
        executor.unwatch()
        handle = nil
        return error
    }
}
