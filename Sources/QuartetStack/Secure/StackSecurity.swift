/// That every private server asks who comes, over TLS, and lets nobody do more than Quartet does.
package struct StackSecurity: Sendable, Hashable {
    /// The services, each with a role in PostgreSQL that is to have rights in its own schema alone.
    package var services: [String]
    /// In Kafka, each with one for its dead letters.
    package var topics: [String]
    /// What the names of groups in Kafka begin with.
    package var groupPrefix: String
    /// What is before every key and channel in Redis, as a pattern of Redis's.
    package var redisPrefix: String

    package init(services: [String], topics: [String], groupPrefix: String = "quartet", redisPrefix: String = "") {
        self.services = services
        self.topics = topics
        self.groupPrefix = groupPrefix
        self.redisPrefix = redisPrefix
    }

    /// The role that a service's sessions run under.
    package static func role(of service: String) -> String { "quartet_\(service)" }
}

/// Whom a server knows: somebody who may do anything, for the stack itself, and the program that uses the server.
enum SecureUser: String {
    case admin
    case quartet
}
