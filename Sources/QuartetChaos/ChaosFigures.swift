/// What a storm did and what came of it.
package struct ChaosFigures: Codable, Sendable {
    package var seed: UInt64
    package var seconds: Int
    package var accepted = 0
    package var completed = 0
    package var failed = 0
    package var cancelled = 0
    package var retried = 0
    package var dropped = 0
    package var userChanges = 0
    package var faults: [String: Int] = [:]
    /// Calls that got no answer, and that were asked to come back.
    package var callsUnanswered = 0
    package var callsRefused = 0
    package var longestStallSeconds = 0.0
    package var slowestAnalysisSeconds = 0.0
    /// From the end of the storm until nothing was left to do.
    package var healedAfterSeconds = 0.0
    package var eventsRepeated = 0
    /// How often the broker died by itself, and how many events were in the logs that died with it alone.
    package var brokerDeaths = 0
    package var eventsLostWithBroker = 0
    package var lost = 0
    package var duplicated = 0
    package var stale = 0
    package var wrong = 0
    package var isConsistent = false
    /// One line for each thing that must not be, the first hundred.
    package private(set) var findings: [String] = []
    private static let findingsMax = 100

    package init(seed: UInt64, seconds: Int) {
        (self.seed, self.seconds) = (seed, seconds)
    }

    mutating func add(_ lines: [String]) {
        findings += lines.prefix(Self.findingsMax - findings.count)
    }

    package var isGood: Bool {
        lost == 0 && duplicated == 0 && stale == 0 && wrong == 0 && isConsistent && findings.isEmpty
    }

    package var lines: [String] {
        func line(_ name: String, _ value: Any) -> String {
            name + String(repeating: " ", count: max(1, 22 - name.count)) + "\(value)"
        }
        let kinds = faults.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
            separator: ", ")
        return [
            line("seed", seed), line("storm", "\(seconds) s"),
            line("requests accepted", accepted),
            line("came to", "completed \(completed), failed \(failed), cancelled \(cancelled)"),
            line("changes of mind", "retried \(retried), dropped \(dropped)"),
            line("changes of users", userChanges),
            line("faults", "\(faults.values.reduce(0, +)): \(kinds)"),
            line("calls", "\(callsUnanswered) without an answer, \(callsRefused) asked to come back"),
            line("longest stall", "\(longestStallSeconds) s"),
            line("slowest analysis", "\(slowestAnalysisSeconds) s"),
            line("quiet again after", "\(healedAfterSeconds) s"),
            line("events repeated", eventsRepeated),
            line(
                "broker", "died \(brokerDeaths) times by itself, and \(eventsLostWithBroker) events with it"
            ),
            line("lost", lost), line("duplicated", duplicated), line("stale", stale),
            line("wrong", wrong),
            line("quartet check", isConsistent ? "clean" : "finds something"),
        ] + findings.map { "! \($0)" }
    }
}
