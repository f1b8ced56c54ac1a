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
    package var broker: BrokerKind
    /// Whether RabbitMQ runs too.
    package var hasRabbit: Bool
    /// TLS, passwords and least rights on every server; nil for none of that.
    package var security: StackSecurity?

    package init(
        durability: Durability = .durable, startTimeout: Duration = .seconds(120), stopTimeout: Duration = .seconds(10),
        broker: BrokerKind = .embedded(brokers: 1), hasRabbit: Bool = false
    ) {
        self.durability = durability
        self.startTimeout = startTimeout
        self.stopTimeout = stopTimeout
        self.broker = broker
        self.hasRabbit = hasRabbit
    }

    package static let durable = StackOptions()
    package static let fast = StackOptions(durability: .fast)
}

/// Which broker a stack runs.
package enum BrokerKind: Sendable, Hashable {
    /// Stands for Kafka, inside this process.
    case embedded(brokers: Int)
    /// Stands for Kafka as a single process of its own, so that its end is not its owner's.
    case process
    case apache(KafkaHome, nodes: Int)

    /// Apache Kafka with so many nodes where the environment names one, else `substitute`.
    ///
    /// - Throws: `StackError` where it names one that can't be run.
    package static func preferred(nodes: Int = 1, substitute: BrokerKind) throws -> BrokerKind {
        try KafkaHome().map { .apache($0, nodes: nodes) } ?? substitute
    }
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
