/// A key of the configuration that can be changed while processes run.
package struct LiveSetting: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case text
        case flag
        case choice([String])
        case integer(ClosedRange<Int>)
        /// The bounds as a configuration file has them.
        case duration(min: String, max: String)
    }

    package let key: String
    package let kind: Kind
    /// What the process was started with: the file, the environment above it, or what the code says.
    package let fallback: String
    /// Which roles ask for it.
    package let roles: [String]
    package let about: String

    package init(key: String, kind: Kind, fallback: String, roles: [String], about: String) {
        self.key = key
        self.kind = kind
        self.fallback = fallback
        self.roles = roles
        self.about = about
    }
}

/// The settings of a process that can be changed while it runs.
package protocol LiveSettings: Sendable {
    var all: [LiveSetting] { get }

    /// Why `values`, by key, can't be: the key of the first one that is not allowed, and what is.
    func refusal(of values: [String: String]) -> (key: String, problem: String)?

    /// Makes them the process's, over what it was started with. Of one that can't be, the last good value stays.
    func apply(_ values: [String: String])
}

/// Of a process that has none.
struct NoLiveSettings: LiveSettings {
    let all: [LiveSetting] = []
    func refusal(of values: [String: String]) -> (key: String, problem: String)? { nil }
    func apply(_ values: [String: String]) {}
}
