/// How private servers are run.
package struct StackOptions: Sendable, Hashable {
    package enum Durability: Sendable, Hashable {
        /// What was acknowledged survives the machine: fsync on, journaled majority writes, append-only file.
        case durable
        /// For tests: no fsync. What was acknowledged survives a server's SIGKILL, but not the machine's.
        case fast
    }

    package var durability: Durability
    /// How long a server may take until it serves; a recovery after a crash counts in.
    package var startTimeout: Duration
    /// How long a server may take to end by itself before it gets SIGKILL.
    package var stopTimeout: Duration
    package var kafkaBrokers: Int
    /// Whether the broker is a process of its own, so that its end is not its owner's; it is a single one then.
    package var brokerIsProcess: Bool

    package init(
        durability: Durability = .durable, startTimeout: Duration = .seconds(60), stopTimeout: Duration = .seconds(10),
        kafkaBrokers: Int = 1, brokerIsProcess: Bool = false
    ) {
        precondition(kafkaBrokers > 0, "a cluster has at least one broker")
        precondition(kafkaBrokers == 1 || !brokerIsProcess, "a process has one broker")
        self.durability = durability
        self.startTimeout = startTimeout
        self.stopTimeout = stopTimeout
        self.kafkaBrokers = kafkaBrokers
        self.brokerIsProcess = brokerIsProcess
    }

    package static let durable = StackOptions()
    package static let fast = StackOptions(durability: .fast)
}

/// A server ended although nobody asked it to.
package struct ServerExit: Sendable, Hashable, CustomStringConvertible {
    package let server: String
    /// "status 1", "signal 9".
    package let reason: String
    package let lastLogLine: String?

    package var description: String {
        "\(server) ended unexpectedly (\(reason))" + (lastLogLine.map { ": \($0)" } ?? "")
    }
}

/// Why a private server or the stack could not be started; `description` is one line.
package struct StackError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// A server program is not installed; the message says how to install it.
        case missingProgram
        /// Another live process holds the folder.
        case inUse
        /// The folder can't be made, written or reached by the user that the server runs as.
        case cannotUseDirectory
        /// The server ended, or refused its first commands; the message quotes its last log line.
        case startFailed
        /// The server did not serve in time.
        case timedOut
        /// No shell would take it as a variable's name.
        case invalidName
    }

    package let code: Code
    package let message: String

    package var description: String { message }
}
