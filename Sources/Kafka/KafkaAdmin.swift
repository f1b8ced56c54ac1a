package import ClientSupport
package import Logging

/// Asks brokers to make topics. A call holds the actor's own queue until it is answered.
package actor KafkaAdmin {
    private let executor: BlockingExecutor
    private let context: ClientContext
    private let handle: ClientHandle

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Starts without waiting for a broker.
    ///
    /// - Throws: `KafkaError` if a setting is unknown, refused or reserved.
    package init(_ configuration: KafkaConfiguration, logger: Logger) throws {
        let executor = BlockingExecutor(label: "kafka.admin")
        var settings = ClientSettings()
        try settings.apply(configuration)
        try settings.pass(configuration.properties, reserved: ClientSettings.reservedByAll)
        let context = ClientContext(logger: logger, configuration: configuration)
        self.executor = executor
        self.context = context
        handle = try ClientHandle(producer: settings, context: context, wake: QueueWake(queue: executor.queue))
    }

    isolated deinit {}

    /// The names of all topics that this client may see.
    ///
    /// - Throws: `KafkaError` if no broker answers, or none lets this client in.
    package func topics(deadline: Deadline) throws -> Set<String> {
        while true {
            do throws(KafkaError) {
                return try handle.topicNames(deadline: min(deadline, .after(.seconds(1))), context: context)
            } catch {
                // Why nobody answers is told when it is polled.
                handle.poll()
                if let refusal = context.refusal { throw refusal }
                if deadline.isPast || !error.isUnavailable {
                    throw KafkaError.deadlinePassed(
                        "look up topics", outage: context.outageReason, mayHaveHappened: false)
                }
            }
        }
    }

    /// Makes topics, each by itself; one that is there stays as it is.
    ///
    /// - Throws: `KafkaError` if the cluster's controller does not answer, or can't be asked for topics.
    package func make(_ topics: [KafkaTopic], deadline: Deadline) throws -> [String: KafkaTopicOutcome] {
        try handle.make(topics, deadline: deadline, context: context)
    }
}
