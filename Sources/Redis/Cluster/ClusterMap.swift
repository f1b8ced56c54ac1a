/// Which node has which slot.
struct ClusterMap: Sendable, Equatable {
    private(set) var primaries: [RedisAddress] = []
    /// Primaries and replicas.
    private(set) var members: Set<RedisAddress> = []
    /// By slot, a place among the primaries; -1 where nobody serves it.
    private var owners = [Int32](repeating: -1, count: RedisSlot.count)

    /// What CLUSTER SLOTS answers.
    ///
    /// - Parameters:
    ///   - host: of the node that was asked, for those that don't say theirs.
    ///   - translate: from an announced address to one that can be reached.
    init(
        slots reply: RedisValue, askedAt host: String, translate: (RedisAddress) -> RedisAddress
    ) throws(RedisError) {
        for range in try reply.array() {
            let fields = try range.array()
            guard fields.count >= 3 else { throw RedisError(.decoding, "expected a range of slots and its nodes") }
            let (first, last) = (try fields[0].int(), try fields[1].int())
            guard first >= 0, last < RedisSlot.count, first <= last else {
                throw RedisError(.decoding, "expected slots below \(RedisSlot.count)")
            }
            var nodes: [RedisAddress?] = []
            for field in fields[2...] { nodes.append(try Self.address(field)?.orHost(host)) }
            members.formUnion(nodes.compactMap { $0.map(translate) })
            // One that can't be meant has no slots; the others have theirs.
            guard let primary = nodes[0].map(translate) else { continue }
            let place = place(of: primary)
            for slot in Int(first)...Int(last) { owners[slot] = place }
        }
    }

    /// Where a node says that it is; nil for a port that is none.
    private static func address(_ field: RedisValue) throws(RedisError) -> RedisAddress? {
        let node = try field.array()
        guard node.count >= 2 else { throw RedisError(.decoding, "expected a node's address") }
        let name = try node[0].stringIfPresent() ?? ""
        guard let port = UInt16(exactly: try node[1].int()), port > 0 else { return nil }
        // What a node that knows no name of its own says.
        return RedisAddress(host: name == "?" ? "" : name, port: Int(port))
    }

    func owner(of slot: Int) -> RedisAddress? {
        owners[slot] < 0 ? nil : primaries[Int(owners[slot])]
    }

    var slotsServed: Int { owners.count { $0 >= 0 } }

    /// A node said that another one has it.
    mutating func move(_ slot: Int, to address: RedisAddress) {
        guard owners.indices.contains(slot) else { return }
        members.insert(address)
        owners[slot] = place(of: address)
    }

    private mutating func place(of primary: RedisAddress) -> Int32 {
        if let place = primaries.firstIndex(of: primary) { return Int32(place) }
        primaries.append(primary)
        return Int32(primaries.count - 1)
    }
}

/// Where a node sends a caller instead.
enum ClusterRedirection: Equatable {
    /// The slot is there from now on.
    case moved(slot: Int, RedisAddress)
    /// This command alone is to go there, behind an ASKING.
    case ask(RedisAddress)
    /// The keys are on two nodes for a moment.
    case tryAgain

    init?(_ error: RedisError) {
        guard case .server(let word) = error.code else { return nil }
        if word == "TRYAGAIN" {
            self = .tryAgain
            return
        }
        let words = error.message.split(separator: " ")
        guard words.count == 3, let slot = Int(words[1]), let address = RedisAddress(words[2]) else { return nil }
        switch word {
        case "MOVED": self = .moved(slot: slot, address)
        case "ASK": self = .ask(address)
        default: return nil
        }
    }
}
