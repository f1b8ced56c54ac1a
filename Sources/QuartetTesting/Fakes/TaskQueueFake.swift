import Foundation
package import QuartetCore
import Synchronization

/// A task queue in memory. Time is `now`'s, as it is the database's in the real one.
package final class FakeTaskQueue: TaskQueue {
    private struct Entry {
        var task: AnalysisTask
        var availableAt: Duration
        var attempt = 0
        var lapses = 0
        var token: LeaseToken?
        var isDead = false
        var lastError: String?
        var buriedAt = Duration.zero
        var problem: String?

        /// Of a leased entry.
        var claim: Claim {
            guard let token else { preconditionFailure("\(task) is not leased") }
            return Claim(
                task: task, attempt: attempt, lapses: lapses, lease: Lease(requestID: task.requestID, token: token),
                problem: problem)
        }

        var dead: DeadTask? {
            guard isDead else { return nil }
            let seconds = Double(buriedAt.components.seconds)
            return DeadTask(
                task: task, attempts: attempt, error: lastError ?? "",
                buriedAt: Date(timeIntervalSince1970: seconds))
        }
    }

    package enum Call: Sendable, Hashable, CaseIterable {
        case prepare, enqueue, remove, claim, renew, release, acknowledge, bury, dead, depth
    }

    private let faults = FaultPlan<Call>()
    private let now: @Sendable () -> Duration
    private let entries = Mutex<[RequestID: Entry]>([:])
    /// Leased by a claim whose answer was lost.
    private let unheard = Mutex<Set<LeaseToken>>([])
    private let hooks = Mutex<[Call: @Sendable () async -> Void]>([:])

    package init(now: @escaping @Sendable () -> Duration) {
        self.now = now
    }

    package convenience init(clock: ManualClock = ManualClock()) {
        self.init { clock.now.offset }
    }

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    /// Runs `hook` in each such call by leases, between its effect and its answer.
    package func after(_ call: Call, _ hook: @escaping @Sendable () async -> Void) {
        hooks.withLock { $0[call] = hook }
    }

    /// Makes a task one that can't be read, as nobody can who goes by the rules.
    package func spoil(_ id: RequestID, _ problem: String) {
        entries.withLock { $0[id]?.problem = problem }
    }

    package func prepare() async throws {
        try faults.run(.prepare) {}
    }

    package func enqueue(
        _ tasks: [AnalysisTask], whenVisible: @escaping @Sendable () async -> Void
    ) async throws {
        try change(.enqueue) { entries, now in
            for task in tasks where (entries[task.requestID]?.task.generation ?? .min) < task.generation {
                entries[task.requestID] = Entry(task: task, availableAt: now)
            }
        }
        await whenVisible()
    }

    package func remove(_ tasks: [AnalysisTask]) async throws {
        try change(.remove) { entries, _ in
            for task in tasks where (entries[task.requestID]?.task.generation ?? .max) <= task.generation {
                entries[task.requestID] = nil
            }
        }
    }

    package func claim(limit: Int, worker: String, leaseDuration: Duration) async throws -> [Claim] {
        let lost = unheard.withLock { unheard in
            defer { unheard = [] }
            return unheard
        }
        let claims = try change(.claim) { entries, now in
            let found = entries.values.filter { $0.token.map(lost.contains) ?? false }
            for entry in found { entries[entry.task.requestID]?.availableAt = now + leaseDuration }
            let claims =
                found.isEmpty ? lease(limit, until: now + leaseDuration, at: now, in: &entries) : found.map(\.claim)
            unheard.withLock { $0 = Set(claims.map(\.lease.token)) }
            return claims
        }
        unheard.withLock { $0 = [] }
        return claims
    }

    private func lease(
        _ limit: Int, until end: Duration, at now: Duration, in entries: inout [RequestID: Entry]
    ) -> [Claim] {
        let claimable = entries.values.filter { !$0.isDead && $0.availableAt <= now }
            .sorted { ($0.availableAt, $0.task.requestID) < ($1.availableAt, $1.task.requestID) }
        return claimable.prefix(limit).map { entry in
            var leased = entry
            if leased.token != nil { leased.lapses += 1 }
            leased.token = LeaseToken()
            leased.attempt += 1
            leased.availableAt = end
            entries[entry.task.requestID] = leased
            return leased.claim
        }
    }

    package func renew(_ leases: [Lease], leaseDuration: Duration) async throws -> [Bool] {
        try await changeHeld(.renew, leases, lease: \.self) { entry, _, now in entry?.availableAt = now + leaseDuration
        }
    }

    package func release(_ releases: [TaskRelease]) async throws -> [Bool] {
        try await changeHeld(.release, releases, lease: \.lease) { entry, release, now in
            entry?.token = nil
            entry?.availableAt = now + release.delay
            if release.refundingAttempt { entry?.attempt -= 1 }
            if let error = release.error { entry?.lastError = error }
        }
    }

    package func acknowledge(_ leases: [Lease]) async throws -> [Bool] {
        try await changeHeld(.acknowledge, leases, lease: \.self) { entry, _, _ in entry = nil }
    }

    package func bury(_ burials: [TaskBurial]) async throws -> [Bool] {
        try await changeHeld(.bury, burials, lease: \.lease) { entry, burial, now in
            entry?.token = nil
            entry?.buriedAt = now
            entry?.isDead = true
            entry?.lastError = burial.error
        }
    }

    package func dead(after: RequestID?, limit: Int) async throws -> [DeadTask] {
        try change(.dead) { entries, _ in
            let dead = entries.values.compactMap(\.dead).filter { task in
                after.map { $0 < task.task.requestID } ?? true
            }
            return Array(dead.sorted { $0.task.requestID < $1.task.requestID }.prefix(limit))
        }
    }

    package func dead(_ ids: [RequestID]) async throws -> [DeadTask?] {
        try change(.dead) { entries, _ in ids.map { entries[$0]?.dead } }
    }

    package func depth() async throws -> QueueDepth {
        try change(.depth) { entries, now in
            let live = entries.values.filter { !$0.isDead }
            let claimable = live.count { $0.availableAt <= now }
            return QueueDepth(
                claimable: claimable, waiting: live.count - claimable, dead: entries.count - live.count)
        }
    }

    /// Loses everything, as a copy may.
    package func lose() {
        entries.withLock { $0 = [:] }
    }

    /// What the queue holds of a request: its task, the attempts so far, whether it is dead, and its last error.
    package func contents(
        of id: RequestID
    ) -> (task: AnalysisTask, attempt: Int, isDead: Bool, lastError: String?)? {
        entries.withLock { $0[id].map { ($0.task, $0.attempt, $0.isDead, $0.lastError) } }
    }

    // MARK: For ``FakeDocumentCheckStore``

    /// Every task, in key order.
    var facts: [TaskFacts] {
        entries.withLock { entries in
            entries.values.map { TaskFacts(id: $0.task.requestID, isDead: $0.isDead, generation: $0.task.generation) }
                .sorted { $0.id < $1.id }
        }
    }

    func remove(_ id: RequestID) {
        entries.withLock { $0[id] = nil }
    }

    /// Leaves a dead task in place of whatever is there.
    func putGrave(of task: AnalysisTask, error: String) {
        let now = now()
        entries.withLock { entries in
            var grave = Entry(task: task, availableAt: now)
            grave.isDead = true
            grave.lastError = error
            grave.buriedAt = now
            entries[task.requestID] = grave
        }
    }

    private func change<Value: Sendable>(
        _ call: Call, _ body: (inout [RequestID: Entry], Duration) -> Value
    ) throws -> Value {
        try faults.run(call) {
            let now = now()
            return entries.withLock { body(&$0, now) }
        }
    }

    /// Changes the entries whose present lease an item names; returns for each item whether there was one.
    private func changeHeld<Item>(
        _ call: Call, _ items: [Item], lease: (Item) -> Lease, _ body: (inout Entry?, Item, Duration) -> Void
    ) async throws -> [Bool] {
        let held = try change(call) { entries, now in
            items.map { item in
                let lease = lease(item)
                guard entries[lease.requestID]?.token == lease.token else { return false }
                body(&entries[lease.requestID], item, now)
                return true
            }
        }
        await hooks.withLock { $0[call] }?()
        return held
    }
}
