/// How many servers must have a write before it counts as made.
package enum MongoWriteConcern: Sendable, Hashable {
    /// In the journals of a majority: no failover takes it back.
    case majority
    /// On the primary: fast, and lost where the primary is lost before it has passed it on.
    case one
    case nodes(Int)

    var document: BSONDocument {
        switch self {
        case .majority: ["w": "majority", "j": true]
        case .one: ["w": 1]
        case .nodes(let count): ["w": .int(count)]
        }
    }
}

/// What a read may see.
package enum MongoReadConcern: String, Sendable, Hashable {
    case local
    /// Only what no failover takes back.
    case majority
    case linearizable
    case snapshot

    var document: BSONDocument { ["level": .string(rawValue)] }
}
