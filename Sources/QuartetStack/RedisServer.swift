import ClientSupport
package import Foundation
package import Logging

/// A private Redis that keeps an append-only file.
package final class RedisServer: HostedServer {
    let host: ServerHost
    private let security: RedisSecurity?

    /// - Parameter arguments: go to the server after the usual ones.
    package init(
        directory: URL, options: StackOptions = .durable, arguments: [String] = [],
        secrets: StackSecrets? = nil, logger: Logger? = nil, onUnexpectedExit: (@Sendable (ServerExit) -> Void)? = nil
    ) {
        security = secrets.map(RedisSecurity.init)
        let recipe = RedisRecipe(
            isDurable: options.durability == .durable, arguments: arguments, security: security)
        host = ServerHost(
            recipe, root: directory, options: options, logger: logger, onUnexpectedExit: onUnexpectedExit)
    }

    package var url: String { security?.url(port: port) ?? "redis://127.0.0.1:\(port)" }
    /// For whoever may do anything in it.
    package var adminURL: String { security?.url(port: port, as: .admin) ?? url }
}

private struct RedisRecipe: ServerRecipe {
    let isDurable: Bool
    let arguments: [String]
    let security: RedisSecurity?
    let name = "redis"
    let stopSignal = SIGTERM
    var orphanSignal: String { isDurable ? "TERM" : "KILL" }

    func prepare(_ folder: ServerFolder) throws {
        try folder.createData()
    }

    func command(_ folder: ServerFolder, port: UInt16) throws -> [String] {
        let settings = [
            ("bind", "127.0.0.1"), ("daemonize", "no"),
            ("dir", folder.data.path), ("appendonly", "yes"), ("appendfsync", isDurable ? "everysec" : "no"),
            ("save", ""), ("loglevel", "notice"),
            // Otherwise it writes over its arguments, by which a leftover is recognised.
            ("set-proc-title", "no"),
        ]
        let access = try security?.settings(port: port) ?? [("port", "\(port)")]
        return [try ServerProgram.redis()] + (access + settings).flatMap { ["--\($0.0)", $0.1] } + arguments
    }

    func isServing(port: UInt16) -> Bool {
        guard security == nil else { return LoopbackConnection(port: port) != nil }
        guard let connection = LoopbackConnection(port: port), connection.send(Array("PING\r\n".utf8)) else {
            return false
        }
        // One that wants a password says so only when it serves.
        return [Array("+PONG\r\n".utf8), Array("-NOAUTH".utf8)].contains(connection.receive(7))
    }

    func complete(port: UInt16, deadline: Deadline) async throws {
        try await security?.complete(port: port, deadline: deadline)
    }
}
