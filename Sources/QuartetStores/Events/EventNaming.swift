package import QuartetCore

/// What topics are called, and who says that something happened: several deployments may share a cluster.
package struct EventNaming: Sendable, Hashable {
    /// Before the name of each topic.
    package let prefix: String

    package init(prefix: String = "") {
        self.prefix = prefix
    }

    package func topic(_ topic: EventTopic) -> String { prefix + topic.rawValue }

    /// The topic by its name in the cluster; nil for another deployment's.
    func topic(named name: String) -> EventTopic? {
        name.hasPrefix(prefix) ? EventTopic(rawValue: String(name.dropFirst(prefix.count))) : nil
    }

    package func deadLetters(of topic: EventTopic) -> String { prefix + topic.deadLetters }

    /// A CloudEvent's source.
    package var source: String { prefix.isEmpty ? "quartet" : "quartet/\(prefix)" }
}
