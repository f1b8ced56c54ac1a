extension RedisCommand {
    /// The slot of the command's first key; nil where any node may answer. Its other keys have to be in the same.
    var slot: Int? {
        if let place { return RedisSlot.of(place) }
        guard let index = keyIndex, index < lengths.count else { return nil }
        let start = lengths[..<index].reduce(0, +)
        return RedisSlot.of(bytes[start..<start + lengths[index]])
    }

    private var keyIndex: Int? {
        switch description {
        case "EVAL", "EVALSHA": argument(2) == "0" ? nil : 3
        case "MEMORY": 2
        case "PING", "INFO", "TIME", "SCAN", "PUBLISH", "CLUSTER", "CONFIG", "CLIENT", "ACL", "SCRIPT", "FLUSHALL",
            "DBSIZE",
            "ASKING", "ROLE":
            nil
        default: 1
        }
    }

    private func argument(_ index: Int) -> String? {
        guard index < lengths.count else { return nil }
        let start = lengths[..<index].reduce(0, +)
        return String(decoding: bytes[start..<start + lengths[index]], as: UTF8.self)
    }
}
