package import ClientSupport

/// Where a Redis server is and how much may be asked of it at once.
package struct RedisConfiguration: Sendable, Hashable {
    package var host: String
    package var port: Int
    /// The ACL user; nil means `default`.
    package var username: String?
    package var password: String?
    /// The logical database that SELECT chooses.
    package var database = 0
    /// TLS, or nil for none.
    package var tls: RedisTLS?
    /// Where the server is a node of a cluster.
    package var cluster: RedisClusterSettings?
    /// What CLIENT LIST shows; without blanks.
    package var clientName: String?

    /// For TCP, TLS, AUTH and SELECT together.
    package var connectTimeout: Duration = .seconds(5)
    /// For calls that name no deadline.
    package var commandTimeout: Duration = .seconds(5)
    /// A connection that owes replies and has sent nothing for so long is given up.
    package var stallTimeout: Duration = .seconds(30)
    /// How many commands may wait for their reply; one more is refused.
    package var inFlightMax = 16_384
    /// How many bytes may wait to be sent, and the size of the largest command.
    package var outboundBytesMax = 64 * 1024 * 1024
    /// A longer pipeline is sent in several parts.
    package var pipelineSizeMax = 1024
    /// How many messages wait for a slow subscriber before the oldest are dropped.
    package var subscriptionBufferMax = 256
    package var reconnectBackoff = Backoff()

    package init(host: String = "127.0.0.1", port: Int = 6379) {
        self.host = host
        self.port = port
    }

    /// `host:port`, as errors name the server.
    package var location: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Traps on limits that cannot work; they are the programmer's, not the operator's.
    func requireUsableLimits() {
        precondition(inFlightMax > 0 && pipelineSizeMax > 0 && subscriptionBufferMax > 0, "limits are at least 1")
        precondition(pipelineSizeMax <= inFlightMax, "a part of a pipeline fits into what may be in flight")
        // hiredis counts a command's bytes in a C int.
        precondition((1...1 << 30).contains(outboundBytesMax), "outboundBytesMax is 1 byte to 1 GiB")
        precondition(
            min(connectTimeout, commandTimeout, stallTimeout) > .zero, "timeouts are longer than nothing")
    }
}

/// How a server proves who it is, and this client to the server.
package struct RedisTLS: Sendable, Hashable {
    package enum Verification: String, Sendable, Hashable {
        /// The certificate is trusted and names the host.
        case full
        /// The certificate is trusted, whomever it names.
        case certificateOnly
        /// Encrypted, but anybody may be at the other end.
        case none
    }

    /// A PEM file of certificates to trust; nil means the system's.
    package var trustRootsFile: String?
    package var verification: Verification
    /// PEM files of this client's own certificate, the chain behind it included, and its key; both or none.
    package var certificateFile: String?
    package var keyFile: String?

    package init(trustRootsFile: String? = nil, verification: Verification = .full) {
        self.trustRootsFile = trustRootsFile
        self.verification = verification
    }
}

extension RedisConfiguration: CustomStringConvertible {
    /// As a URL, without the password.
    package var description: String {
        let scheme = tls == nil ? "redis" : "rediss"
        let user = password == nil ? "" : "\(username ?? ""):***@"
        return "\(scheme)://\(user)\(location)/\(database)"
    }
}
