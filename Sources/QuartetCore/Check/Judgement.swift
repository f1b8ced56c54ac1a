package import Foundation

/// Says what is wrong with what the stores have under one id. A pure function of what was read.
package struct Judge: Sendable {
    private let invariants: Set<Invariant>
    private let settledBefore: Date
    private let now: @Sendable () -> Date
    /// Two looks at one clock, and the clocks of a server and its next one, are not further apart.
    private static let clocksPartMax: Double = 60

    /// - Parameters:
    ///   - settledBefore: what became as it is later than that is not judged.
    ///   - now: the requests' clock. What says that it became as it is later than that was written before the clock was set
    ///     back, or by another one.
    package init(
        invariants: Set<Invariant>, settledBefore: Date, now: @escaping @Sendable () -> Date = { .distantFuture }
    ) {
        self.invariants = invariants
        self.settledBefore = settledBefore
        self.now = now
    }

    /// Nothing for sides that agree, which allocates nothing.
    package func kinds(_ sides: Sides) -> [FindingKind] {
        let all: [FindingKind]
        if let request = sides.request {
            guard isSettled(request) else { return [] }
            let isAhead = isAhead(request)
            if !isAhead, agrees(request, sides) { return [] }
            all =
                (isAhead ? [.requestAhead] : []) + taskKinds(request, sides.task)
                + resultKinds(request, sides.result)
        } else {
            guard isSettled(sides.id) else { return [] }
            all = orphans(sides)
        }
        return all.filter { invariants.filing($0) != nil }
    }

    /// As findings, with what the stores say.
    package func findings(_ kinds: some Sequence<FindingKind>, _ sides: Sides) -> [Finding] {
        kinds.compactMap { kind in
            guard let invariant = invariants.filing(kind) else { return nil }
            return Finding(
                invariant: invariant, kind: kind, key: sides.id.description, detail: sides.summary,
                since: sides.request?.since ?? sides.id.madeAt)
        }
    }

    /// A request that was opened again does not tell when: it counts as settled, and who judges it waits before the
    /// second look.
    package func isSettled(_ request: RequestFacts) -> Bool {
        request.since.map { $0 < settledBefore } ?? true || isAhead(request)
    }

    private func isAhead(_ request: RequestFacts) -> Bool {
        let last = max(request.createdAt, request.closedAt ?? request.createdAt)
        return last >= settledBefore && last.timeIntervalSince(now()) > Self.clocksPartMax
    }

    /// Of documents without a request. An id that does not tell its time counts as old: the second look decides.
    package func isSettled(_ id: RequestID) -> Bool {
        id.madeAt.map { $0 < settledBefore } ?? true
    }

    private func agrees(_ request: RequestFacts, _ sides: Sides) -> Bool {
        guard (request.status == .completed) == (sides.result != nil) else { return false }
        switch request.status {
        case .queued:
            guard let task = sides.task else { return false }
            return !task.isDead && !task.isDueTooLate && task.generation == request.generation
        case .completed, .cancelled: return sides.task == nil
        case .failed: return sides.task?.isDead == true
        }
    }

    private func taskKinds(_ request: RequestFacts, _ task: TaskFacts?) -> [FindingKind] {
        guard let task else {
            switch request.status {
            case .queued: return [.taskMissing]
            case .failed: return [.deadTaskMissing]
            case .completed, .cancelled: return []
            }
        }
        switch (request.status, task.isDead) {
        case (.queued, true): return [.taskDeadButOpen]
        case (.queued, false):
            guard task.generation == request.generation else { return [.taskGeneration] }
            return task.isDueTooLate ? [.taskDueTooLate] : []
        case (.failed, true): return []
        case (.failed, false): return [.taskLiveButFailed]
        case (.completed, true), (.cancelled, true): return [.taskDeadButClosed]
        case (.completed, false), (.cancelled, false): return [.taskLiveButClosed]
        }
    }

    private func resultKinds(_ request: RequestFacts, _ result: ResultFacts?) -> [FindingKind] {
        switch (request.status == .completed, result != nil) {
        case (true, false): [.resultMissing]
        case (false, true): [.resultUnexpected]
        default: []
        }
    }

    private func orphans(_ sides: Sides) -> [FindingKind] {
        var kinds: [FindingKind] = []
        if sides.result != nil { kinds.append(.resultOrphaned) }
        if sides.task != nil { kinds.append(.taskOrphaned) }
        if sides.hasSession { kinds.append(.sessionOrphaned) }
        if sides.hasKeywords { kinds.append(.keywordsOrphaned) }
        if let count = sides.cardCount, count > 0 { kinds.append(.cardsOrphaned) }
        return kinds
    }
}
