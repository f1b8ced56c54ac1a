import Foundation
import Synchronization

/// What happened in a storm that its plan did not say.
final class Incidents: Sendable {
    struct Report: Sendable {
        /// How often the broker died by itself.
        var brokerDeaths = 0
        /// When one that keeps no records was back the last time. Of what came before, the log was lost.
        var brokerBackAt: Date?
        /// What no storm may bring about.
        var findings: [String] = []
    }

    private let state = Mutex(Report())

    var report: Report { state.withLock { $0 } }

    func brokerDied() { state.withLock { $0.brokerDeaths += 1 } }
    func brokerIsBack() { state.withLock { $0.brokerBackAt = Date() } }
    func found(_ finding: String) { state.withLock { $0.findings.append(finding) } }
}
