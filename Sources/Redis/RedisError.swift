import ClientSupport

/// Why a call to Redis failed. `description` is one line and holds no argument of the command.
package struct RedisError: StoreFailure {
    package enum Code: Sendable, Hashable {
        /// A URL or setting that cannot be used.
        case configuration
        /// The server could not be reached.
        case connect
        /// The server refused the password, or wants one.
        case authentication
        /// The connection went away under the call.
        case connectionLost
        case deadlineExceeded
        /// A bound on what may be on the way was reached.
        case overloaded
        /// One command is larger than everything that may wait to be sent.
        case commandTooLarge
        /// The client is closed.
        case closed
        /// The server sent what is not RESP2 or was not asked for.
        case protocolViolation
        /// A reply of another type than the caller expected.
        case decoding
        /// An error reply, by its first word: `server("WRONGTYPE")`.
        case server(String)
    }

    package let code: Code
    package let message: String
    /// What was met underneath: the operating system, TLS.
    package let cause: (any Error)?
    /// The server, as `host:port`; nil where none is concerned.
    package internal(set) var location: String?
    package internal(set) var mayHaveHappened: Bool

    init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, location: String? = nil,
        mayHaveHappened: Bool = false
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.location = location
        self.mayHaveHappened = mayHaveHappened
    }

    package var isRetriable: Bool {
        switch code {
        case .connect, .connectionLost, .deadlineExceeded, .overloaded: true
        case .server(let word): Self.passingConditions.contains(word)
        case .configuration, .authentication, .commandTooLarge, .closed, .protocolViolation, .decoding: false
        }
    }

    package var isUnavailable: Bool {
        switch code {
        case .connect, .authentication, .connectionLost, .deadlineExceeded, .overloaded, .closed: true
        case .server(let word): Self.passingConditions.contains(word)
        case .configuration, .commandTooLarge, .protocolViolation, .decoding: false
        }
    }

    package var description: String {
        guard let location else { return "redis: \(message)" }
        return "redis \(location): \(message)"
    }

    /// Error replies that say "not now": loading, failover, a running script, a lost quorum, no memory, no disk, slots that
    /// move faster than they are followed.
    private static let passingConditions: Set<String> = [
        "LOADING", "READONLY", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "NOREPLICAS", "OOM",
        "MISCONF",
    ]
}

extension RedisError {
    /// The error that an error reply means. The server refused, so nothing happened; only a script may have written before
    /// it met its error, which is why scripts are written to be repeated.
    init(reply: String, location: String? = nil) {
        let word = reply.prefix { $0 != " " }
        let isAuthentication = word == "WRONGPASS" || word == "NOAUTH" || reply.hasPrefix("ERR invalid password")
        self.init(
            isAuthentication ? .authentication : .server(String(word)), Self.withoutArguments(reply),
            location: location)
    }

    /// The server repeats the arguments of a command it does not know; those are the caller's data.
    private static func withoutArguments(_ reply: String) -> String {
        let marker = ", with args beginning with"
        guard let at = reply.firstRange(of: marker) else { return reply }
        return String(reply[..<at.lowerBound])
    }

    /// A copy that says whether its operation may have taken effect.
    func with(mayHaveHappened: Bool) -> RedisError {
        var copy = self
        copy.mayHaveHappened = mayHaveHappened
        return copy
    }

    func at(_ location: String) -> RedisError {
        var copy = self
        copy.location = location
        return copy
    }
}
