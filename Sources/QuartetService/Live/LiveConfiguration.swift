package import Logging
import Metrics
package import QuartetCore
import Synchronization
package import SystemRoom

/// The configuration of a process that runs: what it was started with, and over it what `system_config` says. Roles ask it
/// each time, by the part that they read.
package final class LiveConfiguration: LiveSettings {
    private struct State {
        var configuration: QuartetConfiguration
        /// What is set and can be.
        var values: [String: String] = [:]
        /// What is set and can't be, by key, with the reason.
        var refused: [String: String] = [:]
    }

    private static let refusedCount = Gauge(label: "quartet_config_refused_values")

    private let base: QuartetConfiguration
    private let state: Mutex<State>
    private let logger: Logger
    package let all: [LiveSetting]

    package init(_ base: QuartetConfiguration, logger: Logger) throws {
        self.base = base
        self.logger = logger
        all = try base.liveSettings()
        state = Mutex(State(configuration: base))
    }

    /// A part of it, as it is whenever it is asked for.
    package func part<Part: Sendable>(_ path: any KeyPath<QuartetConfiguration, Part> & Sendable) -> Live<Part> {
        Live { [self] in state.withLock { $0.configuration[keyPath: path] } }
    }

    package func refusal(of values: [String: String]) -> (key: String, problem: String)? {
        if let unknown = values.keys.sorted().first(where: { key in !all.contains { $0.key == key } }) {
            return (unknown, "is no setting that can be changed while processes run")
        }
        do {
            _ = try base.overridden(by: values)
            return nil
        } catch {
            return (error.key, error.problem)
        }
    }

    package func apply(_ values: [String: String]) {
        var (usable, refused) = (values, [String: String]())
        let good = state.withLock { $0.values }
        // What stands beside it may be to blame: each round settles one of them.
        while let (key, problem) = refusal(of: usable) {
            // A bound that the process was started with: what is set for the other side has to go.
            let culprit = usable[key] == nil ? usable.keys.sorted().first ?? key : key
            refused[culprit] = problem
            let last = good[culprit]
            usable[culprit] = last == usable[culprit] ? nil : last
            guard !usable.isEmpty else { break }
        }
        guard let configuration = try? base.overridden(by: usable) else { return }
        let before = state.withLock { state in
            defer { state = State(configuration: configuration, values: usable, refused: refused) }
            return state
        }
        let level = usable["log.level"]
        if level != before.values["log.level"] { LogThreshold.live.set(level == nil ? nil : configuration.level) }
        tell(before, usable, refused)
    }

    private func tell(_ before: State, _ values: [String: String], _ refused: [String: String]) {
        Self.refusedCount.record(refused.count)
        for (key, problem) in refused.sorted(by: { $0.key < $1.key }) where before.refused[key] != problem {
            logger.error(
                "what is set can't be: the last good value stays", metadata: ["key": "\(key)", "problem": "\(problem)"])
        }
        for key in Set(values.keys).union(before.values.keys).sorted() where values[key] != before.values[key] {
            let value = values[key] ?? all.first { $0.key == key }?.fallback ?? ""
            logger.notice("setting changed", metadata: ["key": "\(key)", "value": "\(value)"])
        }
    }
}
