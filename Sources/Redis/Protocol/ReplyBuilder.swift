/// Puts a reply together from the pieces a parser meets: arrays fill up in order, and a full one is a piece of the array
/// around it.
struct ReplyBuilder {
    private struct OpenArray {
        let count: Int
        var elements: [RedisValue]
    }

    private var open: [OpenArray] = []
    private var finished: RedisValue?

    mutating func add(_ piece: RedisValue) {
        var value = piece
        while let innermost = open.indices.last {
            open[innermost].elements.append(value)
            guard open[innermost].elements.count == open[innermost].count else { return }
            value = .array(open.removeLast().elements)
        }
        finished = value
    }

    mutating func beginArray(count: Int) {
        guard count > 0 else { return add(.array([])) }
        var elements: [RedisValue] = []
        // What the server announces is not yet there: take room for a moderate number only.
        elements.reserveCapacity(min(count, 4096))
        open.append(OpenArray(count: count, elements: elements))
    }

    /// The reply, once it is whole.
    mutating func take() -> RedisValue? {
        defer { finished = nil }
        return finished
    }
}
