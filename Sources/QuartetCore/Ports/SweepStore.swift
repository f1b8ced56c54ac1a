package import Foundation

/// Where sweeps and their findings are recorded, and the lock that lets one sweep run at a time.
package protocol SweepStore: Sendable {
    /// Runs `body` while no other sweep runs. The lock is gone when its holder is.
    ///
    /// - Throws: `SweepInProgress` at once if somebody else holds it; what `body` throws.
    func exclusively<Value: Sendable>(
        as holder: String, _ body: @Sendable (any SweepLedger) async throws -> Value
    ) async throws -> Value
}

/// The record of the sweep that holds the lock. Everything is written on the lock's own connection: who has lost the
/// lock can't write.
package protocol SweepLedger: Sendable {
    /// The database's time, and the oldest transaction that is still in flight.
    func now() async throws -> (date: Date, transaction: UInt64)

    /// The newest sweep with these options that neither finished nor was given up.
    func unfinished(_ options: SweepOptions) async throws -> Sweep?

    /// The newest finished sweep over all keys and all invariants, or the newest that also was full.
    func lastFinished(full: Bool) async throws -> Sweep?

    /// Begins a sweep, gives others up that did not finish, and removes those older than `retention`.
    func begin(_ sweep: Sweep, holder: String, retention: Duration) async throws

    /// Records that the sweep goes on in this process.
    func resume(_ sweep: Sweep, holder: String) async throws

    func save(_ sweep: Sweep) async throws

    /// Records findings, each once, and an event of each as long as the sweep has had fewer than `alertsMax`.
    func record(_ findings: [Finding], of sweep: Sweep, alertsMax: Int) async throws

    /// Requests that the sweep found something about that was not repaired; at most `limit`.
    func remaining(of sweep: UUID, limit: Int) async throws -> [RequestID]

    func finish(_ sweep: Sweep, examplesPerKind: Int) async throws -> SweepSummary
}

/// Another process sweeps.
package struct SweepInProgress: Error, Hashable, CustomStringConvertible {
    package let holder: String

    package init(holder: String) {
        self.holder = holder
    }

    package var description: String { "another sweep is running: \(holder)" }
}
