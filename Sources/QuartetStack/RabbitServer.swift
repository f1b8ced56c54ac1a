package import Foundation
package import Logging
import Synchronization

/// A private RabbitMQ: one node, which only this machine reaches, with the user guest.
///
/// Erlang's port mapper, which would stay behind, is one of its own and goes with it.
package final class RabbitServer: HostedServer {
    /// A further listener with TLS, by files in PEM.
    package struct TLS: Sendable {
        package let authorityFile, certificateFile, keyFile: String

        package init(authorityFile: String, certificateFile: String, keyFile: String) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    let host: ServerHost
    private let ports: RabbitPorts
    private let security: RabbitSecurity?

    /// Whether one is installed.
    package static var isInstalled: Bool { (try? ServerProgram.rabbitmq()) != nil }

    package init(
        directory: URL, options: StackOptions = .durable, tls: TLS? = nil, secrets: StackSecrets? = nil,
        logger: Logger? = nil, onUnexpectedExit: (@Sendable (ServerExit) -> Void)? = nil
    ) {
        ports = RabbitPorts()
        security = secrets.map(RabbitSecurity.init)
        let recipe = RabbitRecipe(ports: ports, tls: tls, security: security)
        host = ServerHost(
            recipe, root: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
    }

    package var url: String { security?.url(port: port) ?? "amqp://127.0.0.1:\(port)" }
    /// The same for people, without the password.
    package var address: String { "127.0.0.1:\(port)" }
    /// Where it listens with TLS, if it was told to.
    package var tlsPort: UInt16 { ports.current?.tls ?? 0 }

    /// Ends it by SIGKILL and removes all that it keeps.
    package func wipe() async throws { try await host.wipe() }

    /// Runs one of its commands, such as `add_vhost NAME`; returns whether it succeeded.
    package func control(_ arguments: [String]) async throws -> Bool {
        guard let ports = ports.current else { return false }
        let tool = try ServerProgram.rabbitmq().replacing("/sbin/rabbitmq-server", with: "/sbin/rabbitmqctl")
        let variables = RabbitRecipe.names(host.home, mapper: ports.mapper)
        let log = host.home.appendingPathComponent("control.log")
        return try await ServerCommand.run(["/usr/bin/env"] + variables + [tool] + arguments, log: log)
    }
}

/// The ports beside its main one; taken anew at each start.
final class RabbitPorts: Sendable {
    struct Ports: Sendable {
        let mapper, distribution, tls: UInt16
    }

    private let ports = Mutex<Ports?>(nil)
    private let tlsPort = Mutex<UInt16?>(nil)

    var current: Ports? { ports.withLock { $0 } }

    /// The one for TLS stays: clients know it.
    func settle() throws -> Ports {
        let tls = try tlsPort.withLock { kept in
            let port = try kept ?? LoopbackPort.free()
            kept = port
            return port
        }
        let fresh = Ports(mapper: try LoopbackPort.free(), distribution: try LoopbackPort.free(), tls: tls)
        ports.withLock { $0 = fresh }
        return fresh
    }
}

private struct RabbitRecipe: ServerRecipe {
    let ports: RabbitPorts
    let tls: RabbitServer.TLS?
    let security: RabbitSecurity?
    let name = "rabbitmq"
    let stopSignal = SIGTERM
    /// It keeps what it has confirmed on disk at any end, and takes its time over a graceful one.
    let orphanSignal = "KILL"

    /// The port mapper ends with the server, whose process the shell becomes.
    private static let script = """
        epmd=$1 && port=$2 && shift 2 &&
        { ERL_EPMD_PORT=$port setpriv --pdeathsig KILL "$epmd" -address 127.0.0.1 -port $port & } && exec "$@"
        """

    func prepare(_ folder: ServerFolder) throws {
        try folder.createData()
    }

    func command(_ folder: ServerFolder, port: UInt16) throws -> [String] {
        let program = try ServerProgram.rabbitmq()
        let mapper = try ServerProgram.find("epmd", install: "apt-get install erlang-base")
        let ports = try ports.settle()
        let home = folder.home.path
        let variables =
            Self.names(folder.home, mapper: ports.mapper) + [
                "RABBITMQ_DIST_PORT=\(ports.distribution)", "RABBITMQ_MNESIA_BASE=\(folder.data.path)",
                "RABBITMQ_LOG_BASE=\(home)/log", "RABBITMQ_LOGS=-",
                "RABBITMQ_CONFIG_FILE=\(try writeSettings(folder, ports))",
                "RABBITMQ_ENABLED_PLUGINS_FILE=\(try write("[].\n", to: folder.home, "enabled_plugins"))",
                // Otherwise a shell stays between, which takes signals for itself.
                "RUNNING_UNDER_SYSTEMD=true", "ERL_CRASH_DUMP=/dev/null",
            ]
        let plain = ["RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT=\(port)"]
        let access = try security.map { ["RABBITMQ_ADVANCED_CONFIG_FILE=\(try $0.writeSettings(port: port))"] } ?? plain
        let arguments = [
            "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            // Not read by anyone: by its data folder a leftover is recognised.
            "-quartet", "data=\(folder.data.path)",
        ]
        return ["/bin/sh", "-c", Self.script, "sh", mapper, "\(ports.mapper)", "/usr/bin/env"] + variables + access
            + [program] + arguments
    }

    /// What its commands need to find it, too.
    static func names(_ home: URL, mapper: UInt16) -> [String] {
        [
            "HOME=\(home.path)", "RABBITMQ_NODENAME=quartet@localhost", "RABBITMQ_CONF_ENV_FILE=/dev/null",
            "ERL_EPMD_PORT=\(mapper)", "ERL_EPMD_ADDRESS=127.0.0.1",
        ]
    }

    /// It greets whoever greets it, and listens when it serves.
    func isServing(port: UInt16) -> Bool {
        guard security == nil else { return LoopbackConnection(port: port) != nil }
        guard let connection = LoopbackConnection(port: port), connection.send(Array("AMQP".utf8) + [0, 0, 9, 1]) else {
            return false
        }
        return connection.receive(1) == [1]
    }

    func reason(in log: [String]) -> String? {
        log.last { $0.contains("[error]") && !$0.hasSuffix("> ") } ?? log.last
    }

    private func writeSettings(_ folder: ServerFolder, _ ports: RabbitPorts.Ports) throws -> String {
        var lines = ["log.console = true", "log.console.level = info", "log.file = false"]
        if let tls {
            lines += [
                "listeners.ssl.default = 127.0.0.1:\(ports.tls)", "ssl_options.cacertfile = \(tls.authorityFile)",
                "ssl_options.certfile = \(tls.certificateFile)", "ssl_options.keyfile = \(tls.keyFile)",
                "ssl_options.verify = verify_none",
            ]
        }
        return try write(lines.joined(separator: "\n") + "\n", to: folder.home, "rabbitmq.conf")
    }

    private func write(_ text: String, to folder: URL, _ name: String) throws -> String {
        let file = folder.appendingPathComponent(name)
        guard FileManager.default.createFile(atPath: file.path, contents: Data(text.utf8)) else {
            throw StackError(code: .cannotUseDirectory, message: "can't write \(file.path)")
        }
        return file.path
    }
}
