/// How a call ended.
enum CallOutcome: Sendable {
    /// The reply to its only command; spares most calls an array.
    case one(RedisValue)
    case several([RedisValue])
    /// Its first commands were answered, then this happened.
    case broken(after: [RedisValue], RedisError)
}

extension CallOutcome {
    /// The reply to the only command.
    func reply() throws(RedisError) -> RedisValue {
        switch self {
        case .one(let reply): return reply
        case .several(let replies): preconditionFailure("\(replies.count) replies to one command")
        case .broken(_, let error): throw error
        }
    }

    /// One result per command, `count` in all.
    func results(count: Int, location: String) -> [Result<RedisValue, RedisError>] {
        switch self {
        case .one(let reply):
            return [reply.result(location: location)]
        case .several(let replies):
            return replies.map { $0.result(location: location) }
        case .broken(let replies, let error):
            let missing = repeatElement(Result<RedisValue, RedisError>.failure(error), count: count - replies.count)
            return replies.map { $0.result(location: location) } + missing
        }
    }
}
