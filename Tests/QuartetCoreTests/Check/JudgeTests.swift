import Foundation
import QuartetCore
import Testing

@Suite("Judgement")
struct JudgeTests {
    static let settledBefore = Date(timeIntervalSince1970: 1_700_000_000)
    static let old = settledBefore.addingTimeInterval(-3600)
    static let new = settledBefore.addingTimeInterval(1)

    static func id(_ date: Date = old) -> RequestID { requestID(madeAt: date) }

    static func request(
        _ status: RequestStatus, id: RequestID = id(), generation: Int = 1, since: Date = old
    ) -> RequestFacts {
        RequestFacts(
            id: id, status: status, generation: generation, createdAt: status == .queued ? since : old,
            closedAt: status == .queued ? nil : since)
    }

    private let judge = Judge(invariants: Set(Invariant.allCases), settledBefore: settledBefore)

    struct Case: Sendable, CustomTestStringConvertible {
        let status: RequestStatus
        /// Whether the task is dead; nil for none.
        let taskIsDead: Bool?
        let hasResult: Bool
        let kinds: [FindingKind]

        var testDescription: String {
            "\(status) \(taskIsDead.map { $0 ? "dead" : "live" } ?? "no task") \(hasResult ? "result" : "no result")"
        }
    }

    static let cases: [Case] = RequestStatus.allCases.flatMap { status in
        [nil, false, true].flatMap { taskIsDead in
            [false, true].map { hasResult in
                var kinds: [FindingKind] = []
                switch (status, taskIsDead) {
                case (.queued, nil): kinds = [.taskMissing]
                case (.queued, true): kinds = [.taskDeadButOpen]
                case (.failed, nil): kinds = [.deadTaskMissing]
                case (.failed, false): kinds = [.taskLiveButFailed]
                case (.completed, false), (.cancelled, false): kinds = [.taskLiveButClosed]
                case (.completed, true), (.cancelled, true): kinds = [.taskDeadButClosed]
                default: break
                }
                if status == .completed, !hasResult { kinds.append(.resultMissing) }
                if status != .completed, hasResult { kinds.append(.resultUnexpected) }
                return Case(status: status, taskIsDead: taskIsDead, hasResult: hasResult, kinds: kinds)
            }
        }
    }

    private func sides(_ example: Case, since: Date) -> Sides {
        let request = Self.request(example.status, since: since)
        return Sides(
            id: request.id, request: request,
            result: example.hasResult ? ResultFacts(id: request.id, cardCount: 1, digest: .empty) : nil,
            task: example.taskIsDead.map { TaskFacts(id: request.id, isDead: $0, generation: 1) })
    }

    @Test("what stores say of a settled request", arguments: cases)
    func settled(_ example: Case) {
        #expect(judge.kinds(sides(example, since: Self.old)) == example.kinds)
    }

    @Test("a request that is not settled is not judged", arguments: cases)
    func unsettled(_ example: Case) {
        #expect(judge.kinds(sides(example, since: Self.new)).isEmpty)
    }

    @Test("a live task is of its request's generation", arguments: [1, 3])
    func generation(ofTask generation: Int) {
        let request = Self.request(.queued, generation: 2)
        func kinds(_ generation: Int) -> [FindingKind] {
            judge.kinds(
                Sides(
                    id: request.id, request: request,
                    task: TaskFacts(id: request.id, isDead: false, generation: generation)))
        }
        #expect(kinds(2).isEmpty)
        #expect(kinds(generation) == [.taskGeneration])
    }

    @Test("what has no request is judged by the time in its id")
    func orphans() {
        func kinds(_ id: RequestID) -> [FindingKind] {
            judge.kinds(
                Sides(
                    id: id, result: ResultFacts(id: id, cardCount: 0, digest: .empty),
                    task: TaskFacts(id: id, isDead: false, generation: 1), hasSession: true, hasKeywords: true,
                    cardCount: 2))
        }
        #expect(
            kinds(Self.id()) == [
                .resultOrphaned, .taskOrphaned, .sessionOrphaned, .keywordsOrphaned, .cardsOrphaned,
            ])
        #expect(kinds(Self.id(Self.new)).isEmpty)
        // No time: the second look decides.
        #expect(kinds(RequestID(UUID(uuid: (1, 2, 3, 4, 5, 6, 0x40, 8, 0x80, 1, 2, 3, 4, 5, 6, 7)))).count == 5)
    }

    @Test("a finding is filed under the first of its invariants that is checked")
    func filing() {
        let request = Self.request(.queued)
        let sides = Sides(
            id: request.id, request: request, task: TaskFacts(id: request.id, isDead: true, generation: 1))
        func invariants(_ checked: Set<Invariant>) -> [Invariant] {
            let judge = Judge(invariants: checked, settledBefore: Self.settledBefore)
            return judge.findings(judge.kinds(sides), sides).map(\.invariant)
        }
        #expect(invariants(Set(Invariant.allCases)) == [.i6])
        #expect(invariants([.i1]) == [.i1])
        #expect(invariants([.i2, .i3]).isEmpty)
    }

    @Test("ids tell their time, and the id before a date is before all that were made since")
    func times() throws {
        let id = Self.id()
        let made = try #require(id.madeAt)
        #expect(abs(made.timeIntervalSince(Self.old)) < 0.002)
        #expect(RequestID.before(Self.old) < id)
        #expect(id < RequestID.before(Self.old.addingTimeInterval(0.01)))
        #expect(RequestID.lowest < id && id < RequestID.highest)
        #expect(id.predecessor < id && id.predecessor.predecessor < id.predecessor)
        let carry = RequestID("00000000-0000-0001-0000-000000000000")
        #expect(carry?.predecessor == RequestID("00000000-0000-0000-ffff-ffffffffffff"))
        #expect(RequestID.lowest.predecessor == .lowest)
    }
}

/// An id of that time; those of one time are in the order of their numbers.
func requestID(madeAt date: Date, number: Int = 0) -> RequestID {
    let milliseconds = UInt64(date.timeIntervalSince1970 * 1000)
    let words = ((milliseconds << 16 | 0x7000).bigEndian, (0x8000_0000_0000_0000 | UInt64(number)).bigEndian)
    return withUnsafeBytes(of: words) { RequestID(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
}
