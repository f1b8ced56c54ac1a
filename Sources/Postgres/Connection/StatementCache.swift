/// The statements that one connection has prepared, least recently used out first.
///
/// A statement counts as prepared once the server has said so: until then only the request that prepares it may use it,
/// because a pipeline that fails before the PREPARE skips it. Whoever else wants it meanwhile sends the text.
struct StatementCache {
    enum Use: Equatable {
        case prepared(String)
        case prepare(String)
        case once
    }

    struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
        var preparedBy: RequestID?
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var made: UInt64 = 0
    /// Names that the server still knows and nobody uses any more.
    private(set) var dropped: [String] = []

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// How `request` sends a statement.
    mutating func use(_ key: Key, by request: RequestID) -> Use {
        uses += 1
        if let index = entries.index(forKey: key) {
            entries.values[index].lastUse = uses
            let entry = entries.values[index]
            return entry.preparedBy == nil || entry.preparedBy == request ? .prepared(entry.name) : .once
        }
        guard capacity > 0, makeRoom() else { return .once }
        made += 1
        let name = "q\(made)"
        entries[key] = Entry(name: name, lastUse: uses, preparedBy: request)
        return .prepare(name)
    }

    mutating func prepared(_ key: Key) {
        entries[key]?.preparedBy = nil
    }

    /// The server did not prepare it.
    mutating func notPrepared(_ key: Key) {
        entries[key] = nil
    }

    /// The server's plan for it is of no more use, or it has forgotten it.
    mutating func forget(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        dropped.append(entry.name)
    }

    mutating func takeDropped() -> [String] {
        defer { dropped = [] }
        return dropped
    }

    /// False if everything is just being prepared.
    private mutating func makeRoom() -> Bool {
        guard entries.count >= capacity else { return true }
        let oldest = entries.filter { $0.value.preparedBy == nil }.min { $0.value.lastUse < $1.value.lastUse }
        guard let oldest else { return false }
        forget(oldest.key)
        return true
    }
}
