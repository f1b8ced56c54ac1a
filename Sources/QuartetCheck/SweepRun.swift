import ClientSupport
import Foundation
import Logging
import QuartetCore

/// One sweep from where it is to its end: phase by phase, each walk in key order, with second looks behind it.
actor SweepRun {
    /// How often a walk's place is saved, at most.
    private static let saveInterval = Duration.seconds(1)
    private static let showInterval = Duration.milliseconds(100)
    /// Keys from earlier sweeps.
    private static let againMax = 100_000

    let ledger: any SweepLedger
    let ports: CheckPorts
    let configuration: CheckConfiguration
    let time: SweepTime
    let logger: Logger
    let judge: Judge
    let sample: KeySample
    private let last: Sweep?
    private let observe: @Sendable (CheckProgress) -> Void
    var sweep: Sweep
    private var findings = 0
    private var lastShown = Duration.zero
    private var walkBegan = Duration.zero
    private var secondsBefore = 0.0

    init(
        _ sweep: Sweep, after last: Sweep?, now: Date, ledger: any SweepLedger, ports: CheckPorts,
        configuration: CheckConfiguration, time: SweepTime, logger: Logger,
        observe: @escaping @Sendable (CheckProgress) -> Void
    ) {
        self.sweep = sweep
        self.last = last
        self.ledger = ledger
        self.ports = ports
        self.configuration = configuration
        self.time = time
        self.logger = logger
        self.observe = observe
        let began = time.elapsed()
        judge = Judge(invariants: sweep.options.invariants, settledBefore: sweep.settledBefore) {
            now.addingTimeInterval((time.elapsed() - began).seconds)
        }
        sample = KeySample(sweep.options.sample)
    }

    func callAsFunction() async throws -> SweepReport {
        for phase in SweepPhase.allCases
        where !phase.invariants.isDisjoint(with: sweep.options.invariants) && !sweep.progress[phase].isDone {
            begin(phase)
            switch phase {
            case .again: try await lookAgain()
            case .requests: try await walkRequests()
            case .cards: try await walkCards()
            case .outbox: try await lookAtOutbox(cursorsBefore: last?.progress.cursors ?? [])
            case .caches: try await walkCaches()
            case .references: try await walkReferences()
            case .readModels: try await walkReadModels()
            }
            sweep.progress[phase].isDone = true
            try await save(phase)
            show(phase, fraction: 1, isLast: true)
        }
        let summary = try await ledger.finish(sweep, examplesPerKind: configuration.examplesPerKind)
        return SweepReport(sweep, summary: summary)
    }

    func wants(_ invariants: Invariant...) -> Bool {
        !sweep.options.invariants.isDisjoint(with: invariants)
    }

    // MARK: Suspects

    /// Keys that were taken note of before, instead of a walk.
    private func lookAgain() async throws {
        guard !sweep.isFull else { return }
        var suspects = SuspectQueue(configuration)
        var before: Set<RequestID> = []
        if let last { before = Set(try await ledger.remaining(of: last.id, limit: Self.againMax)) }
        for part in before.filter(sample.contains).sorted().parts(of: LookReader.idsMax) {
            try await lookAgain(at: part, &suspects)
        }
        let isCovered = last.map { last in sweep.since.map { last.settledBefore <= $0 } ?? false } ?? false
        let transaction = isCovered ? last?.progress.transaction ?? 0 : 0
        let pacer = Pacer(workShare: configuration.workShare, time: time)
        var page: [RequestID] = []
        repeat {
            let after = page.last ?? .lowest
            page = try await pacer.paced { [ports, start = sweep.start] in
                try await ports.checkStore.reopened(
                    since: transaction, behind: after, before: start, limit: LookReader.idsMax)
            }
            try await lookAgain(at: page.filter { sample.contains($0) && !before.contains($0) }, &suspects)
        } while page.count == LookReader.idsMax
        try await finish(.again, &suspects)
    }

    private func lookAgain(at part: [RequestID], _ suspects: inout SuspectQueue) async throws {
        guard !part.isEmpty else { return }
        for look in try await LookReader(ports: ports).read(part, withCards: true) {
            if look.request?.status.isOpen == true { sweep.progress.leave(look.sides.id) }
            var kinds = judge.kinds(look.sides)
            if wants(.i4), look.document != nil, look.request?.status == .completed { kinds.append(.foldDigest) }
            suspects.add(look.sides.id, kinds, isReopened: look.isReopened, at: time.elapsed())
        }
        try await pass(.again, through: part.last ?? .highest, rows: part.count, &suspects)
    }

    /// The end of a stretch of a walk: gives suspects whose time has come their second look, and saves the place behind
    /// which none is left.
    func pass(_ phase: SweepPhase, through: RequestID, rows: Int, _ suspects: inout SuspectQueue) async throws {
        sweep.progress[phase].rows += rows
        suspects.endStretch(through, at: time.elapsed(), lengthMax: Self.saveInterval)
        while let stretch = suspects.next(at: time.elapsed(), countMax: configuration.suspectsMax) {
            try await wait(until: stretch.readyAt)
            try await lookTwice(stretch.suspects)
            sweep.progress[phase].after = stretch.through.uuid
            try await save(phase)
        }
        show(phase, fraction: fraction(at: through))
    }

    /// The end of a walk: every suspect gets its second look.
    func finish(_ phase: SweepPhase, _ suspects: inout SuspectQueue) async throws {
        for stretch in suspects.takeAll() {
            try await wait(until: stretch.readyAt)
            try await lookTwice(stretch.suspects)
        }
        // What was opened again does not tell when: it is old enough when it has been so for as long as we know.
        let late = suspects.takeReopened()
        if let last = late.map(\.seenAt).max() {
            try await wait(until: last + max(configuration.settleWindow, configuration.secondLookPause))
            try await lookTwice(late)
        }
    }

    private func lookTwice(_ suspects: [Suspect]) async throws {
        let second = Recheck(ports: ports, judge: judge)
        let repairer = sweep.options.repairs ? Repairer(ports: ports, judge: judge, logger: logger) : nil
        for part in suspects.parts(of: LookReader.idsMax) {
            var confirmed = try await second.confirm(part)
            guard !confirmed.isEmpty else { continue }
            if let repairer { confirmed = try await repairer.mend(confirmed) }
            try await report(confirmed.flatMap(\.findings))
        }
    }

    func report(_ found: [Finding]) async throws {
        guard !found.isEmpty else { return }
        findings += found.count
        try await ledger.record(found, of: sweep, alertsMax: configuration.alertsMax)
    }

    // MARK: Time

    func wait(until ready: Duration) async throws {
        let rest = ready - time.elapsed()
        if rest > .zero { try await time.sleep(rest) }
    }

    private func begin(_ phase: SweepPhase) {
        walkBegan = time.elapsed()
        secondsBefore = sweep.progress[phase].seconds
    }

    func save(_ phase: SweepPhase) async throws {
        sweep.progress[phase].seconds = secondsBefore + (time.elapsed() - walkBegan).seconds
        try await ledger.save(sweep)
    }

    func show(_ phase: SweepPhase, fraction: Double, isLast: Bool = false) {
        let now = time.elapsed()
        guard isLast || now - lastShown >= Self.showInterval else { return }
        lastShown = now
        let walk = sweep.progress[phase]
        let seconds = secondsBefore + (now - walkBegan).seconds
        observe(
            CheckProgress(
                phase: phase, fraction: fraction, rows: walk.rows,
                perSecond: seconds > 0 ? Int(saturating: Double(walk.rows) / seconds) : 0, findings: findings))
    }

    private var firstKeyTime: Date?

    /// How far a key is on the way, by the times that keys tell.
    private func fraction(at key: RequestID) -> Double {
        guard let here = key.madeAt else { return key == .highest ? 1 : 0 }
        let first = firstKeyTime ?? sweep.start.madeAt ?? here
        firstKeyTime = first
        let whole = sweep.settledBefore.timeIntervalSince(first)
        return whole > 0 ? min(1, max(0, here.timeIntervalSince(first) / whole)) : 1
    }
}

extension RandomAccessCollection where Index == Int {
    /// The collection in consecutive parts of at most `size` elements.
    func parts(of size: Int) -> [[Element]] {
        stride(from: startIndex, to: endIndex, by: size).map { Array(self[$0..<Swift.min($0 + size, endIndex)]) }
    }
}
