import Foundation
import QuartetCore
import QuartetRoles
import QuartetTesting
import Synchronization

/// What a checker reads, in memory: requests of a fake database, and tasks and sessions that a test sets as it likes.
final class FakeAudits: RequestAudit, DocumentAudit, OutboxAudit, CacheAudit {
    struct State {
        var tasks: [RequestID: TaskFacts] = [:]
        var sessions: Set<RequestID> = []
        var waiting: [WaitingRows] = []
        var cursors: [SweepProgress.Cursor] = []
        var keys: [CachedKey] = []
        var rows: [CacheKey: (version: Int64, since: Date)] = [:]
        /// The first key of each stretch of tasks that was read.
        var reads: [RequestID] = []
        /// Reading tasks fails from this read on.
        var failsAtRead = Int.max
    }

    struct Failure: Error {}

    let store: FakeRequestStore
    let ids = Mutex<[RequestID]>([])
    let state = Mutex(State())

    init(store: FakeRequestStore) {
        self.store = store
    }

    /// What happens when the walk reads tasks.
    private func nextRead(_ after: RequestID) throws {
        try state.withLock { state in
            guard state.reads.count < state.failsAtRead else { throw Failure() }
            state.reads.append(after)
        }
    }

    func requests(in range: KeyRange, limit: Int) async throws -> [RequestFacts] {
        let found = ids.withLock { $0 }.filter { range.after < $0 && !(range.through < $0) }.sorted().prefix(limit)
        return try await store.requests(Array(found)).compactMap { $0.map(RequestFacts.init) }
    }

    func results(in range: KeyRange, limit: Int) async throws -> [ResultFacts] { [] }
    func documents(in range: KeyRange, limit: Int) async throws -> [ResultDocument] { [] }
    func documents(of ids: [RequestID]) async throws -> [ResultDocument?] { ids.map { _ in nil } }
    func reopened(since transaction: UInt64, before start: RequestID, limit: Int) async throws -> [RequestID] { [] }
    func removeUncompletedResults(_ ids: [RequestID]) async throws -> [RequestID] { [] }
    func replaceResults(_ results: [AnalysisResult]) async throws {}
    func runAgain(_ requests: [(id: RequestID, generation: Int)]) async throws {}

    func tasks(in range: KeyRange, limit: Int) async throws -> [TaskFacts] {
        try nextRead(range.after)
        return state.withLock { state in
            Array(
                state.tasks.values.filter { range.after < $0.id && !(range.through < $0.id) }
                    .sorted { $0.id < $1.id }.prefix(limit))
        }
    }

    func tasks(of ids: [RequestID]) async throws -> [TaskFacts?] {
        state.withLock { state in ids.map { state.tasks[$0] } }
    }

    func sessions(in range: KeyRange, limit: Int) async throws -> [RequestID] {
        state.withLock {
            Array($0.sessions.filter { range.after < $0 && !(range.through < $0) }.sorted().prefix(limit))
        }
    }

    func haveSessions(_ ids: [RequestID]) async throws -> [Bool] {
        state.withLock { state in ids.map(state.sessions.contains) }
    }

    func cards(after position: CardPosition, through: RequestID, limit: Int) async throws -> [EmotionCard] { [] }
    func cardKeys(after position: CardPosition, through: RequestID, limit: Int) async throws -> [CardPosition] { [] }

    func removeTasks(_ tasks: [TaskFacts]) async throws {
        state.withLock { state in
            for task in tasks where state.tasks[task.id] == task { state.tasks[task.id] = nil }
        }
    }

    func buryTasks(_ burials: [(task: AnalysisTask, error: String)]) async throws {
        state.withLock { state in
            for (task, _) in burials {
                state.tasks[task.requestID] = TaskFacts(
                    id: task.requestID, isDead: true, generation: task.generation)
            }
        }
    }

    func removeSessions(_ ids: [RequestID]) async throws { state.withLock { $0.sessions.subtract(ids) } }
    func removeCards(_ cards: [(id: RequestID, from: Int)]) async throws {}
    func keywordDetails(in range: KeyRange, limit: Int) async throws -> [KeywordDetails] { [] }
    func keywordDetailsKeys(in range: KeyRange, limit: Int) async throws -> [RequestID] { [] }
    func removeKeywordDetails(_ ids: [RequestID]) async throws {}

    func waiting(before date: Date) async throws -> [WaitingRows] { state.withLock { $0.waiting } }
    func cursors() async throws -> [SweepProgress.Cursor] { state.withLock { $0.cursors } }
    func ring() async throws {}

    func forEachPage(size: Int, _ body: @Sendable ([CachedKey]) async throws -> Void) async throws {
        let keys = state.withLock { $0.keys }
        if !keys.isEmpty { try await body(keys) }
    }

    func keys(_ names: [[UInt8]]) async throws -> [CachedKey?] {
        state.withLock { state in names.map { name in state.keys.first { $0.name == name } } }
    }

    func rows(of keys: [CacheKey]) async throws -> [(version: Int64, since: Date)?] {
        state.withLock { state in keys.map { state.rows[$0] } }
    }

    func expire(_ names: [[UInt8]]) async throws {
        state.withLock { state in
            state.keys = state.keys.map {
                CachedKey(name: $0.name, expires: $0.expires || names.contains($0.name), entry: $0.entry)
            }
        }
    }
}

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
            state.finished.last { ($0.isFull || !full) && $0.options.invariants == Set(Invariant.checked) }
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
