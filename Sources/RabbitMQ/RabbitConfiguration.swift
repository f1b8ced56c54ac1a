package import ClientSupport
import Foundation

/// How RabbitMQ is reached, shared by publishers, consumers and whoever declares.
package struct RabbitConfiguration: Sendable {
    package var host: String
    package var port: UInt16
    package var virtualHost: String
    package var username: String
    /// Never logged.
    package var password: String
    /// Nil for a connection without TLS.
    package var tls: TLS?
    /// What the server calls this client in its lists.
    package var clientName = "quartet"
    /// How long connecting and signing in may take.
    package var connectTimeout: Duration = .seconds(5)
    /// How long the server may take to answer one call.
    package var operationTimeout: Duration = .seconds(10)
    /// A connection on which nothing came for twice as long is taken for dead. Whole seconds; zero for none.
    package var heartbeat: Duration = .seconds(10)
    /// The largest message that is sent, and taken.
    package var messageBytesMax = 16 << 20
    /// Pauses between attempts to connect: meanwhile calls fail at once, with what the last attempt met.
    package var reconnect = Backoff(base: .milliseconds(100), max: .seconds(5))

    package struct TLS: Sendable, Hashable {
        /// PEM; whom to trust in place of the system's authorities.
        package var authorityFile: String?
        /// PEM; this client's own certificate and its key.
        package var certificateFile: String?
        package var keyFile: String?
        /// Whether the certificate must name the host.
        package var checksHost = true

        package init() {}
    }

    package init(
        host: String = "127.0.0.1", port: UInt16 = 5672, virtualHost: String = "/", username: String = "guest",
        password: String = "guest"
    ) {
        self.host = host
        self.port = port
        self.virtualHost = virtualHost
        self.username = username
        self.password = password
    }

    /// Of `amqp://USER:PASSWORD@HOST:PORT/VHOST` or `amqps://...`, parts with a percent sign decoded; without a path the
    /// virtual host is `/`.
    ///
    /// - Throws: `RabbitError` that says what is wrong, without the URL: it may hold a password.
    package init(url: String) throws(RabbitError) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme, ["amqp", "amqps"].contains(scheme)
        else {
            throw RabbitError(.invalid, "not a URL like amqp://USER:PASSWORD@HOST:5672/VHOST")
        }
        // Of an address of IPv6 without its brackets.
        guard let host = parts.host?.trimmingCharacters(in: ["[", "]"]), !host.isEmpty else {
            throw RabbitError(.invalid, "the URL names no host")
        }
        let port = parts.port ?? (scheme == "amqps" ? 5671 : 5672)
        guard let port = UInt16(exactly: port), port > 0 else { throw RabbitError(.invalid, "the URL's port is none") }
        guard parts.query == nil, parts.fragment == nil else {
            throw RabbitError(.invalid, "the URL has more behind the virtual host")
        }
        // A slash within a virtual host's name is written %2F.
        guard let path = parts.percentEncodedPath.dropFirst().removingPercentEncoding,
            !parts.percentEncodedPath.dropFirst().contains("/")
        else { throw RabbitError(.invalid, "the URL's path is no virtual host; write a slash in its name as %2F") }
        self.init(
            host: host, port: port, virtualHost: path.isEmpty ? "/" : path, username: parts.user ?? "guest",
            password: parts.password ?? "guest")
        if scheme == "amqps" { tls = TLS() }
    }

    /// How often the connection is looked after though nothing came.
    var pulse: Duration { heartbeat > .zero ? heartbeat / 2 : .seconds(30) }

    /// Where it is, for errors and logs.
    package var endpoint: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
