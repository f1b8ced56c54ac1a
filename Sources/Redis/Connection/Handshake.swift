/// What is said on a new connection before anything else: who asks, which database, under which name, and whether the
/// server is ready. All of it is sent at once.
struct Handshake {
    enum Step: Equatable {
        case authenticate, select, setName, ping
    }

    private let steps: [(step: Step, command: RedisCommand)]
    private var answered = 0

    init(_ configuration: RedisConfiguration) {
        var steps: [(step: Step, command: RedisCommand)] = []
        if let password = configuration.password {
            let command =
                if let username = configuration.username {
                    RedisCommand("AUTH", username, password)
                } else {
                    RedisCommand("AUTH", password)
                }
            steps.append((.authenticate, command))
        }
        if configuration.database != 0 { steps.append((.select, RedisCommand("SELECT", configuration.database))) }
        if let name = configuration.clientName { steps.append((.setName, RedisCommand("CLIENT", "SETNAME", name))) }
        steps.append((.ping, RedisCommand("PING")))
        self.steps = steps
    }

    var commands: [RedisCommand] { steps.map(\.command) }
    var isComplete: Bool { answered == steps.count }

    /// The next reply; throws what makes the connection unusable.
    mutating func receive(_ reply: RedisValue) throws(RedisError) {
        guard answered < steps.count else {
            throw RedisError(.protocolViolation, "the server sent a reply that nobody asked for")
        }
        let step = steps[answered].step
        answered += 1
        guard case .error(let text) = reply else { return }
        let error = RedisError(reply: text)
        // A user may be allowed neither; the name is a convenience, and refusing a PING shows that the server works.
        if step == .setName || step == .ping, error.code == .server("NOPERM") { return }
        // It can't save to its disk: it refuses writes and a PING, and goes on with all else.
        if step == .ping, error.code == .server("MISCONF") { return }
        if error.code == .authentication || step == .authenticate {
            throw RedisError(.authentication, "authentication failed: \(error.message)")
        }
        if error.isUnavailable { throw error }
        throw RedisError(.connect, "the server refused the connection: \(error.message)")
    }
}
