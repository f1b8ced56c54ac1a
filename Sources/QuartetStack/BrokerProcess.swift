import ClientSupport
package import Foundation
package import Logging

/// The endpoint that stands for Kafka, as a process of its own: one broker. Should it end by itself, which assertions in
/// librdkafka may bring about, ``start()`` makes another at the same address, with nothing in it.
package actor BrokerProcess: LocalBroker {
    package nonisolated let name: String
    package nonisolated let keepsRecords = false
    package nonisolated let settings: [String: String] = EmbeddedBroker.settings
    package nonisolated let summary: String = EmbeddedBroker.summary
    private let host: ServerHost
    private let signalTimeout: Duration
    private let logger: Logger
    private var isTurningClientsAway = false
    private var starting: Task<Void, any Error>?

    package init(
        directory: URL, options: StackOptions = .durable, logger: Logger? = nil,
        onUnexpectedExit: (@Sendable (ServerExit) -> Void)? = nil
    ) {
        let recipe = BrokerRecipe()
        name = recipe.name
        signalTimeout = options.stopTimeout
        self.logger = logger ?? Logger(label: "quartet.stack.kafka")
        host = ServerHost(
            recipe, root: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
    }

    /// "127.0.0.1:PORT".
    package nonisolated var url: String { "127.0.0.1:\(host.port)" }

    /// Whoever comes while it starts waits with the others.
    package func start() async throws {
        if let starting { return try await starting.value }
        let starting = Task { [host, signalTimeout, isTurningClientsAway] in
            try await host.start()
            if isTurningClientsAway {
                try await host.signal(SIGUSR2, untilServing: true, deadline: .after(signalTimeout))
            }
        }
        self.starting = starting
        defer { self.starting = nil }
        try await starting.value
        isTurningClientsAway = false
    }

    /// Closes its connections and refuses new ones until ``start()``; the process stays, with the records.
    package func stop() async {
        guard !isTurningClientsAway else { return }
        isTurningClientsAway = true
        do {
            try await host.signal(SIGUSR1, untilServing: false, deadline: .after(signalTimeout))
        } catch {
            logger.warning("\(error)")
        }
    }

    package func kill() async { await stop() }
    package func suspend() async { await host.suspend() }
    package func resume() async { await host.resume() }

    package func close() async {
        await host.stop()
        isTurningClientsAway = false
    }

    package func wipe() async { await close() }
}

private struct BrokerRecipe: ServerRecipe {
    let name = "kafka"
    let stopSignal = SIGTERM
    let orphanSignal = "KILL"

    func prepare(_ folder: ServerFolder) throws {
        try folder.createData()
    }

    func command(_ folder: ServerFolder, port: UInt16) throws -> [String] {
        // An assertion ends it at once: a backtrace of librdkafka tells nobody more than the assertion's own line.
        ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no"]
            + [try ServerProgram.broker(), "--port", "\(port)", "--data", folder.data.path]
    }

    /// Asks for the versions that it speaks.
    func isServing(port: UInt16) -> Bool { BrokerGreeting.isAnswered(port: port) }
}
