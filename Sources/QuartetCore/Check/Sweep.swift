import ClientSupport
package import Foundation

/// A sweep as it is recorded, so that another process can go on with it.
package struct Sweep: Sendable, Hashable {
    package let id: UUID
    package let options: SweepOptions
    /// Whether it looks at everything.
    package let isFull: Bool
    /// Only what is older than this is judged; the database's time. Later changes are the next sweep's.
    package let settledBefore: Date
    /// What an incremental sweep begins behind: what was closed before is not folded again.
    package let since: Date?
    /// Its walks begin behind this key.
    package let start: RequestID
    package var progress: SweepProgress
    /// How often it was cut off and went on.
    package var resumes: Int

    package init(
        id: UUID, options: SweepOptions, isFull: Bool, settledBefore: Date, since: Date?, start: RequestID,
        progress: SweepProgress = SweepProgress(), resumes: Int = 0
    ) {
        self.id = id
        self.options = options
        self.isFull = isFull
        self.settledBefore = settledBefore
        self.since = since
        self.start = start
        self.progress = progress
        self.resumes = resumes
    }
}

/// How far a sweep is, and what the next one must know.
package struct SweepProgress: Sendable, Hashable, Codable {
    package struct Walk: Sendable, Hashable, Codable {
        /// Everything up to this key was judged, second looks included.
        package var after: UUID?
        /// The same of a walk whose keys are texts, and which of several things it walks.
        package var afterKey, part: String?
        package var isDone = false
        package var rows = 0
        package var seconds = 0.0

        package init() {}
    }

    package struct Cursor: Sendable, Hashable, Codable {
        package let database: String
        package let sink: String
        package let shard: Int
        package let position: Int64
        /// Positions of different epochs have nothing to do with each other.
        package let epoch: Int

        package init(database: String, sink: String, shard: Int, position: Int64, epoch: Int) {
            self.database = database
            self.sink = sink
            self.shard = shard
            self.position = position
            self.epoch = epoch
        }

        /// An earlier build recorded other numbers: those tell nothing.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            database = try container.decodeIfPresent(String.self, forKey: .database) ?? ""
            sink = try container.decode(String.self, forKey: .sink)
            shard = try container.decode(Int.self, forKey: .shard)
            position = try container.decodeIfPresent(Int64.self, forKey: .position) ?? 0
            epoch = try container.decodeIfPresent(Int.self, forKey: .epoch) ?? 0
        }

        package var key: String { "\(database).\(sink)/\(shard)" }
    }

    private var walks: [String: Walk] = [:]
    /// Where the sinks were.
    package var cursors: [Cursor] = []
    /// Every earlier transaction had ended when the sweep began.
    package var transaction: UInt64 = 0
    /// The first request that was open or not settled: where the next incremental sweep begins.
    package var firstUnsettled: UUID?

    package init() {}

    package subscript(phase: SweepPhase) -> Walk {
        get { walks[phase.rawValue] ?? Walk() }
        set { walks[phase.rawValue] = newValue }
    }

    /// Takes note of a request that the next sweep must see again.
    package mutating func leave(_ id: RequestID) {
        if let first = firstUnsettled.map(RequestID.init), first < id { return }
        firstUnsettled = id.uuid
    }
}

/// What came of a sweep.
package struct SweepReport: Sendable, Hashable, Codable {
    package struct Walk: Sendable, Hashable, Codable {
        package let phase: String
        package let title: String
        package let rows: Int
        package let unit: String
        package let seconds: Double
        package let perSecond: Int
    }

    package struct Kind: Sendable, Hashable, Codable {
        package let invariant: Invariant
        package let kind: FindingKind
        package let title: String
        package let found: Int
        package let repaired: Int
        /// Since when the oldest may have been so.
        package let oldest: Date?
        /// Some of them.
        package let examples: [Finding]
    }

    package struct Checked: Sendable, Hashable, Codable {
        package let invariant: Invariant
        package let title: String
        package let isChecked: Bool
        /// Why not.
        package let reason: String?
        package let found: Int
        package let remaining: Int
    }

    package let id: UUID
    package let reach: String
    package let sample: Double
    package let repairs: Bool
    package let startedAt: Date
    package let finishedAt: Date
    package let settledBefore: Date
    package let since: Date?
    package let resumes: Int
    package let invariants: [Checked]
    package let walks: [Walk]
    package let findings: [Kind]

    package var found: Int { findings.reduce(0) { $0 + $1.found } }
    package var repaired: Int { findings.reduce(0) { $0 + $1.repaired } }
    package var remaining: Int { found - repaired }
    package var isConsistent: Bool { remaining == 0 }
    package var oldest: Date? { findings.compactMap(\.oldest).min() }

    package init(_ sweep: Sweep, summary: SweepSummary) {
        id = sweep.id
        reach = sweep.isFull ? "full" : "incremental"
        sample = sweep.options.sample
        repairs = sweep.options.repairs
        startedAt = summary.startedAt
        finishedAt = summary.finishedAt
        settledBefore = sweep.settledBefore
        since = sweep.since
        resumes = sweep.resumes
        findings = summary.kinds.map { kind in
            Kind(
                invariant: kind.invariant, kind: kind.kind, title: kind.kind.title, found: kind.found,
                repaired: kind.repaired, oldest: kind.oldest, examples: kind.examples)
        }.sorted { ($0.invariant, $0.kind.rawValue) < ($1.invariant, $1.kind.rawValue) }
        let kinds = findings
        invariants = Invariant.allCases.map { invariant in
            let own = kinds.filter { $0.invariant == invariant }
            let reason =
                sweep.options.invariants.contains(invariant) ? nil : "not asked for"
            return Checked(
                invariant: invariant, title: invariant.title, isChecked: reason == nil, reason: reason,
                found: own.reduce(0) { $0 + $1.found }, remaining: own.reduce(0) { $0 + $1.found - $1.repaired })
        }
        walks = SweepPhase.allCases.compactMap { phase in
            let walk = sweep.progress[phase]
            guard walk.isDone, phase != .again || walk.rows > 0 else { return nil }
            return Walk(
                phase: phase.rawValue, title: phase.title, rows: walk.rows, unit: phase.unit,
                seconds: (walk.seconds * 1000).rounded() / 1000,
                perSecond: walk.seconds > 0 ? Int(saturating: Double(walk.rows) / walk.seconds) : 0)
        }
    }
}

/// What is recorded of a finished sweep's findings.
package struct SweepSummary: Sendable, Hashable {
    package struct Kind: Sendable, Hashable {
        package let invariant: Invariant
        package let kind: FindingKind
        package let found: Int
        package let repaired: Int
        package let oldest: Date?
        package let examples: [Finding]

        package init(
            invariant: Invariant, kind: FindingKind, found: Int, repaired: Int, oldest: Date?, examples: [Finding]
        ) {
            self.invariant = invariant
            self.kind = kind
            self.found = found
            self.repaired = repaired
            self.oldest = oldest
            self.examples = examples
        }
    }

    package let startedAt: Date
    package let finishedAt: Date
    package let kinds: [Kind]

    package init(startedAt: Date, finishedAt: Date, kinds: [Kind]) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.kinds = kinds
    }
}
