package import Foundation
package import Logging
import Synchronization

/// A private Apache Kafka from a distribution on this machine: one node, or a cluster of which two must have a record.
///
/// Without secrets whoever can connect to 127.0.0.1 may do anything in it.
package actor KafkaBroker: LocalBroker {
    package nonisolated let name = "kafka"
    package nonisolated let keepsRecords = true
    package nonisolated let settings: [String: String]
    package nonisolated let summary: String
    /// Servers of their own, so that one can be harmed alone.
    package nonisolated let nodes: [KafkaNode]
    private let ports: SettledPorts
    private let listeners: [String]
    private let home: KafkaHome
    private let security: KafkaSecurity?
    private var hasStarted = false
    private var hasRights = false
    private var starting: Task<Void, any Error>?

    package init(
        directory: URL, home: KafkaHome, nodes count: Int = 1, settings: KafkaNodeSettings = KafkaNodeSettings(),
        options: StackOptions = .durable, secrets: StackSecrets? = nil, logger: Logger? = nil,
        onUnexpectedExit: (@Sendable (ServerExit) -> Void)? = nil
    ) {
        precondition(count > 0, "a cluster has at least one node")
        self.home = home
        let security = secrets.map(KafkaSecurity.init)
        self.security = security
        self.settings = security?.settings ?? [:]
        let settings = security?.nodes ?? settings
        let ports = SettledPorts()
        self.ports = ports
        listeners = settings.listeners.keys.sorted()
        summary = "Apache Kafka \(home.version), \(count == 1 ? "one node" : "\(count) nodes") (\(home.path))"
        nodes = (1...count).map { id in
            let recipe = KafkaNodeRecipe(
                home: home, id: id, nodes: count, ports: { try ports.get() }, settings: settings,
                isDurable: options.durability == .durable)
            return KafkaNode(
                recipe, directory: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
        }
    }

    /// "127.0.0.1:PORT", one for each node, with commas between.
    package nonisolated var url: String { nodes.map(\.url).joined(separator: ",") }

    /// The same for a further listener of the settings.
    package nonisolated func url(of listener: String) throws -> String {
        try ports.get().further[listener, default: []].map { "127.0.0.1:\($0)" }.joined(separator: ",")
    }

    /// Whoever comes while it starts waits with the others.
    package func start() async throws {
        if let starting { return try await starting.value }
        let starting = Task { try await startAll() }
        self.starting = starting
        defer { self.starting = nil }
        try await withTaskCancellationHandler {
            try await starting.value
        } onCancel: {
            starting.cancel()
        }
    }

    /// A port that was free may be taken before a node listens on it: then all get others, unless clients know them.
    private func startAll() async throws {
        var attemptsLeft = hasStarted ? 1 : 3
        while true {
            attemptsLeft -= 1
            if !hasStarted { ports.settle(try .free(nodes: nodes.count, listeners: listeners)) }
            do {
                try await onEach { try await $0.start() }
                hasStarted = true
                if !hasRights { try await security?.grant(home: home, at: url) }
                hasRights = true
                return
            } catch let error as StackError where error.code == .startFailed && error.message.contains("BindException")
            {
                guard attemptsLeft > 0 else { throw error }
                await onEach { await $0.kill() }
            } catch {
                // Others of the same cluster have clients.
                if !hasStarted { await onEach { await $0.kill() } }
                throw error
            }
        }
    }

    package func stop() async { await onEach { await $0.stop() } }
    package func kill() async { await onEach { await $0.kill() } }
    package func suspend() async { await onEach { await $0.suspend() } }
    package func resume() async { await onEach { await $0.resume() } }
    package func close() async { await stop() }
    package func wipe() async throws {
        try await onEach { try await $0.wipe() }
        hasRights = false
    }

    private func onEach(_ body: @escaping @Sendable (KafkaNode) async throws -> Void) async rethrows {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes {
                group.addTask { try await body(node) }
            }
            try await group.waitForAll()
        }
    }
}

/// What the nodes of one cluster know of each other.
private final class SettledPorts: Sendable {
    private let ports = Mutex<KafkaPorts?>(nil)

    func settle(_ new: KafkaPorts) { ports.withLock { $0 = new } }

    func get() throws -> KafkaPorts {
        guard let ports = ports.withLock({ $0 }) else {
            throw StackError(code: .startFailed, message: "kafka has not been started yet")
        }
        return ports
    }
}
