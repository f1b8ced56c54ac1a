/// What a private Kafka has beside its defaults, for tests of how clients sign in and what brokers refuse.
package struct KafkaNodeSettings: Sendable, Hashable {
    /// Kafka's names for how its first listener and the one of its controllers are secured.
    var clients = "PLAINTEXT"
    var controllers = "PLAINTEXT"
    /// Further places where clients connect: a name, and Kafka's name for how it is secured ("SASL_SSL").
    package var listeners: [String: String] = [:]
    /// Kafka's own keys.
    package var properties: [String: String] = [:]
    /// Users who sign in by SCRAM-SHA-256, and their passwords.
    package var scramUsers: [String: String] = [:]

    package init() {}
}

/// The ports of a cluster that its nodes must agree on, or that stand beside the one that a host gives out.
struct KafkaPorts: Sendable {
    /// Where each node's controller listens, from node 1 on.
    let controllers: [UInt16]
    /// Where each node listens for a further kind of clients.
    let further: [String: [UInt16]]

    static func free(nodes: Int, listeners: [String]) throws -> KafkaPorts {
        var taken: Set<UInt16> = []
        func ports() throws -> [UInt16] {
            var ports: [UInt16] = []
            while ports.count < nodes {
                let port = try LoopbackPort.free()
                if taken.insert(port).inserted { ports.append(port) }
            }
            return ports
        }
        return KafkaPorts(
            controllers: try ports(),
            further: Dictionary(uniqueKeysWithValues: try listeners.map { ($0, try ports()) }))
    }
}
