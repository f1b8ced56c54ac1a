import Foundation
import Logging
import Synchronization

/// One node of a private Kafka cluster: broker and controller in one process.
package final class KafkaNode: HostedServer {
    let host: ServerHost

    init(
        _ recipe: KafkaNodeRecipe, directory: URL, options: StackOptions, logger: Logger?,
        onUnexpectedExit: (@Sendable (ServerExit) -> Void)?
    ) {
        host = ServerHost(
            recipe, root: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
    }

    package var url: String { "127.0.0.1:\(port)" }

    /// Ends it by SIGKILL and removes all that it keeps.
    package func wipe() async throws { try await host.wipe() }
}

struct KafkaNodeRecipe: ServerRecipe {
    /// All nodes of a cluster carry it; folders keep clusters apart.
    private static let clusterID = "cXVhcnRldC1rYWZrYS0wMQ"
    private static let heap = "-Xmx192m"
    /// Half the work until it serves, for those that don't live long.
    private static let forTests = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]

    let home: KafkaHome
    let id: Int
    let nodes: Int
    /// Settled before the first start.
    let ports: @Sendable () throws -> KafkaPorts
    let settings: KafkaNodeSettings
    let isDurable: Bool

    var name: String { nodes == 1 ? "kafka" : "kafka-\(id)" }
    let stopSignal = SIGTERM
    var orphanSignal: String { isDurable ? "TERM" : "KILL" }

    func prepare(_ folder: ServerFolder) async throws {
        try folder.createData()
        guard !FileManager.default.fileExists(atPath: folder.data.path + "/meta.properties") else { return }
        // Nothing listens meanwhile: the port is any.
        let properties = try writeProperties(folder, port: 9092)
        let users = settings.scramUsers.sorted { $0.key < $1.key }.flatMap {
            ["--add-scram", "SCRAM-SHA-256=[name=\($0.key),password=\($0.value)]"]
        }
        let command = home.command(
            "kafka.tools.StorageTool", options: ["-XX:TieredStopAtLevel=1", try logging(folder)],
            ["format", "--ignore-formatted", "-t", Self.clusterID, "-c", properties] + users)
        let start = try folder.logSize()
        guard try await ServerCommand.run(command, log: folder.log) else {
            let why = reason(in: folder.logLines(after: start)) ?? "nothing logged"
            throw StackError(code: .startFailed, message: "the folder of \(name) could not be prepared: \(why)")
        }
    }

    func command(_ folder: ServerFolder, port: UInt16) throws -> [String] {
        let properties = try writeProperties(folder, port: port)
        return home.command(
            "kafka.Kafka",
            options: (isDurable ? [] : Self.forTests) + [
                Self.heap, "-XX:+ExitOnOutOfMemoryError", "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=\(folder.home.path)/crash.log", try logging(folder),
            ],
            // Said here and not in the file: by its data folder a leftover is recognised.
            [properties, "--override", "log.dirs=\(folder.data.path)"])
    }

    /// Asks for the versions that it speaks; a node opens its port when it is part of the cluster.
    func isServing(port: UInt16) -> Bool {
        guard settings.clients == "PLAINTEXT" else { return LoopbackConnection(port: port) != nil }
        return BrokerGreeting.isAnswered(port: port)
    }

    func reason(in log: [String]) -> String? {
        if let problem = home.javaProblem(in: log) { return problem }
        let causes = log.filter { $0.contains("Exception: ") && !$0.hasPrefix("\t") }
        return causes.last ?? log.last { $0.contains(" ERROR ") || $0.contains(" FATAL ") } ?? log.last
    }

    // MARK: Files

    private func writeProperties(_ folder: ServerFolder, port: UInt16) throws -> String {
        let properties = try self.properties(port: port).merging(settings.properties) { _, own in own }
            .merging(["log.dirs": folder.data.path]) { own, _ in own }
        return try write(JavaProperties.text(properties), to: folder.home.appendingPathComponent("server.properties"))
    }

    private func properties(port: UInt16) throws -> [String: String] {
        let ports = try ports()
        let voters = ports.controllers.enumerated().map { "\($0.offset + 1)@127.0.0.1:\($0.element)" }
        let further = ports.further.sorted { $0.key < $1.key }.map { ($0.key, $0.value[id - 1]) }
        let clients = ([("CLIENTS", port)] + further).map { "\($0.0)://127.0.0.1:\($0.1)" }.joined(separator: ",")
        let protocols = settings.listeners.sorted { $0.key < $1.key }.map { ",\($0.key):\($0.value)" }.joined()
        let copies = "\(min(nodes, 3))"
        let inSync = nodes > 1 ? "2" : "1"
        return [
            "process.roles": "broker,controller", "node.id": "\(id)",
            "controller.quorum.voters": voters.joined(separator: ","),
            "listeners": "\(clients),CONTROLLER://127.0.0.1:\(ports.controllers[id - 1])",
            "advertised.listeners": clients, "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENTS",
            "listener.security.protocol.map":
                "CONTROLLER:\(settings.controllers),CLIENTS:\(settings.clients)\(protocols)",
            // What is acknowledged is on two nodes where there are more than one.
            "default.replication.factor": copies, "min.insync.replicas": inSync, "num.partitions": "4",
            "offsets.topic.num.partitions": "4", "offsets.topic.replication.factor": copies,
            "transaction.state.log.num.partitions": "4", "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": inSync,
            "share.coordinator.state.topic.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": inSync,
            // A single developer's members come one after the other, and a dead one is soon missed.
            "group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "1000",
            "broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500",
            // Buffers that by default have more room than its heap.
            "log.cleaner.dedupe.buffer.size": "16777216", "offsets.load.buffer.size": "1048576",
        ]
    }

    /// The option that names the file by which it logs to its standard output.
    private func logging(_ folder: ServerFolder) throws -> String {
        let text = """
            appender.console.type = Console
            appender.console.name = console
            appender.console.layout.type = PatternLayout
            appender.console.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n%throwable
            rootLogger.level = info
            rootLogger.appenderRefs = console
            rootLogger.appenderRef.console.ref = console
            # Each start would list some hundred settings.
            logger.settings.name = org.apache.kafka.common.config
            logger.settings.level = warn

            """
        let file = try write(text, to: folder.home.appendingPathComponent("log4j2.properties"))
        return "-Dlog4j2.configurationFile=\(file)"
    }

    /// Readable by its owner alone, since settings may carry passwords; returns the file's path.
    private func write(_ text: String, to file: URL) throws -> String {
        let isWritten = FileManager.default.createFile(
            atPath: file.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw StackError(code: .cannotUseDirectory, message: "can't write \(file.path)") }
        return file.path
    }
}

/// The first thing that a client asks a broker: which versions it speaks.
enum BrokerGreeting {
    /// Whether a broker answers on `port`; may block for a second.
    static func isAnswered(port: UInt16) -> Bool {
        let correlation: [UInt8] = [0, 0, 0, 1]
        let request: [UInt8] = [0, 0, 0, 10] + [0, 18] + [0, 0] + correlation + [0xff, 0xff]
        guard let connection = LoopbackConnection(port: port), connection.send(request),
            let reply = connection.receive(8)
        else { return false }
        return Array(reply[4...]) == correlation
    }
}
