import Foundation
import QuartetCheck
import QuartetCore
import QuartetRoles
import Synchronization

/// Sweeps in memory.
final class FakeSweeps: SweepStore, SweepLedger {
    struct State {
        var holder: String?
        var running: Sweep?
        var finished: [Sweep] = []
        var findings: [UUID: [Finding]] = [:]
        var saved: [SweepProgress] = []
    }

    let state = Mutex(State())
    let clock: @Sendable () -> Date

    init(clock: @escaping @Sendable () -> Date) {
        self.clock = clock
    }

    func exclusively<Value: Sendable>(
        as holder: String, _ body: @Sendable (any SweepLedger) async throws -> Value
    ) async throws -> Value {
        try state.withLock { state in
            if let other = state.holder { throw SweepInProgress(holder: other) }
            state.holder = holder
        }
        defer { state.withLock { $0.holder = nil } }
        return try await body(self)
    }

    func now() async throws -> (date: Date, transaction: UInt64) { (clock(), 1) }

    func unfinished(_ options: SweepOptions) async throws -> Sweep? {
        state.withLock { $0.running.flatMap { $0.options.text == options.text ? $0 : nil } }
    }

    func lastFinished(full: Bool) async throws -> Sweep? {
        state.withLock { state in
            state.finished.last { ($0.isFull || !full) && $0.options.invariants == Set(Invariant.allCases) }
        }
    }

    func begin(_ sweep: Sweep, holder: String, retention: Duration) async throws {
        state.withLock { $0.running = sweep }
    }
    func resume(_ sweep: Sweep, holder: String) async throws { state.withLock { $0.running = sweep } }

    func save(_ sweep: Sweep) async throws {
        state.withLock { state in
            state.running = sweep
            state.saved.append(sweep.progress)
        }
    }

    func record(_ findings: [Finding], of sweep: Sweep, alertsMax: Int) async throws {
        state.withLock { $0.findings[sweep.id, default: []] += findings }
    }

    func remaining(of sweep: UUID, limit: Int) async throws -> [RequestID] {
        state.withLock { ($0.findings[sweep] ?? []).filter { !$0.isRepaired }.compactMap { RequestID($0.key) } }
    }

    func finish(_ sweep: Sweep, examplesPerKind: Int) async throws -> SweepSummary {
        let findings = state.withLock { state in
            state.running = nil
            state.finished.append(sweep)
            return state.findings[sweep.id] ?? []
        }
        let kinds = Dictionary(grouping: findings, by: \.kind).map { kind, findings in
            SweepSummary.Kind(
                invariant: findings[0].invariant, kind: kind, found: findings.count,
                repaired: findings.count(where: \.isRepaired), oldest: findings.compactMap(\.since).min(),
                examples: findings)
        }
        return SweepSummary(startedAt: clock(), finishedAt: clock(), kinds: kinds)
    }
}
