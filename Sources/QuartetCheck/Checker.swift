import ClientSupport
import CoreMetrics
import Foundation
package import Logging
package import QuartetCore
import QuartetRoles

/// How far a sweep is, for whoever watches it.
package struct CheckProgress: Sendable {
    package let phase: SweepPhase
    /// Of the phase, 0...1, by the time that the keys tell.
    package let fraction: Double
    package let rows: Int
    package let perSecond: Int
    package let findings: Int
}

/// Walks the stores and reports where they disagree; one sweep at a time, over all processes.
package struct Checker: Sendable {
    /// A sweep that was cut off is gone on with for that long; later, the world has changed too much.
    private static let resumeAgeMax: TimeInterval = 24 * 3600

    private let ports: CheckPorts
    private let settings: Live<CheckConfiguration>
    private var configuration: CheckConfiguration { settings.now }
    private let holder: String
    private let time: SweepTime
    private let logger: Logger
    private let observe: @Sendable (CheckProgress) -> Void

    /// - Parameters:
    ///   - holder: who sweeps, for others who want to.
    ///   - observe: called now and then.
    package init(
        ports: CheckPorts, configuration: Live<CheckConfiguration>, holder: String, time: SweepTime = SweepTime(),
        logger: Logger, observe: @escaping @Sendable (CheckProgress) -> Void = { _ in }
    ) {
        self.ports = ports
        settings = configuration
        self.holder = holder
        self.time = time
        self.logger = logger
        self.observe = observe
    }

    /// Sweeps once; goes on with a sweep of the same options that was cut off.
    ///
    /// - Throws: `SweepInProgress`, or a store's error, after which the sweep can be gone on with.
    package func runOnce(_ options: SweepOptions) async throws -> SweepReport {
        try await ports.sweeps.exclusively(as: holder) { ledger in
            let last = try await ledger.lastFinished(full: false)
            let sweep = try await begin(options, after: last, ledger)
            let run = SweepRun(
                sweep, after: last, now: try await ledger.now().0, ledger: ledger, ports: ports,
                configuration: configuration, time: time,
                logger: logger, observe: observe)
            let report = try await run()
            Self.measure(report)
            return report
        }
    }

    private func begin(_ options: SweepOptions, after last: Sweep?, _ ledger: any SweepLedger) async throws -> Sweep {
        let (now, transaction) = try await ledger.now()
        if var sweep = try await ledger.unfinished(options),
            now.timeIntervalSince(sweep.settledBefore) < Self.resumeAgeMax
        {
            sweep.resumes += 1
            try await ledger.resume(sweep, holder: holder)
            logger.notice("a sweep that was cut off goes on", metadata: ["sweep": "\(sweep.id)"])
            return sweep
        }
        let reach = try await reach(of: options, after: last, now: now, ledger)
        var progress = SweepProgress()
        progress.transaction = transaction
        let sweep = Sweep(
            id: UUIDv7.make(), options: options, isFull: reach == nil,
            settledBefore: now.addingTimeInterval(-configuration.settleWindow.seconds), since: reach?.since,
            start: reach?.start ?? .lowest, progress: progress)
        try await ledger.begin(sweep, holder: holder, retention: configuration.retention)
        return sweep
    }

    /// What a sweep that is not full begins behind.
    ///
    /// Incremental: everything that was not settled or still open at the last sweep, and what came since.
    private func reach(
        of options: SweepOptions, after last: Sweep?, now: Date, _ ledger: any SweepLedger
    ) async throws -> (since: Date, start: RequestID)? {
        switch options.reach {
        case .full: return nil
        case .since(let date): return (date, Self.start(date, last))
        case .incremental:
            guard let last, let full = try await ledger.lastFinished(full: true),
                now.timeIntervalSince(full.settledBefore) < configuration.fullInterval.seconds,
                now.timeIntervalSince(last.settledBefore) < configuration.outboxRetention.seconds
            else { return nil }
            return (last.settledBefore, Self.start(last.settledBefore, last))
        }
    }

    private static func start(_ date: Date, _ last: Sweep?) -> RequestID {
        // Ids are made by the clocks of the API's machines.
        let made = RequestID.before(date.addingTimeInterval(-60))
        return last?.progress.firstUnsettled.map { min(RequestID($0).predecessor, made) } ?? made
    }

    private static func measure(_ report: SweepReport) {
        for checked in report.invariants where checked.isChecked {
            CheckMetrics.findings(checked.invariant.rawValue).increment(by: checked.found)
            CheckMetrics.remaining(checked.invariant.rawValue).record(checked.remaining)
        }
        for walk in report.walks { CheckMetrics.walked(walk.phase).increment(by: walk.rows) }
        CheckMetrics.sweepDuration.record(report.finishedAt.timeIntervalSince(report.startedAt))
        CheckMetrics.sweepFinished.record(report.finishedAt.timeIntervalSince1970)
    }
}
