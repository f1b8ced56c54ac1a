package import QuartetCore
import Synchronization
import Testing

/// A queue and a way to let its clock move on: a fake's by hand, a database's by moving what is stored into the past.
package struct TaskQueueSubject: Sendable {
    package let queue: any TaskQueue
    package let pass: @Sendable (Duration) async throws -> Void

    package init(queue: any TaskQueue, pass: @escaping @Sendable (Duration) async throws -> Void) {
        self.queue = queue
        self.pass = pass
    }
}

/// What every ``TaskQueue`` does.
package enum TaskQueueConformance {
    package static let behaviours: [Conformance<TaskQueueSubject>] = claiming + leases + ending

    private static let claiming: [Conformance<TaskQueueSubject>] = [
        Conformance("claims those first that have waited longest", claimsOldestFirst),
        Conformance("enqueueing again changes nothing", enqueueIsRepeatable),
        Conformance("tasks can be claimed when they are said to be visible", visibleTasksAreClaimable),
        Conformance("a later generation starts afresh, an earlier one changes nothing", generationsUpsert),
        Conformance("concurrent workers never share a task", concurrentClaimsAreDisjoint),
        Conformance("empty batches are answered", emptyBatches),
    ]

    private static let leases: [Conformance<TaskQueueSubject>] = [
        Conformance("a task whose lease expired is claimed again with one attempt more", expiredLeaseIsClaimedAgain),
        Conformance("leases that ran out are counted, those that were given back are not", lapsesAreCounted),
        Conformance("a stale lease changes nothing", staleLeaseChangesNothing),
        Conformance("an expired lease that nobody took over still holds", expiredLeaseStillHolds),
        Conformance("renewing moves the lease's end", renewMovesTheEnd),
        Conformance("batches answer per lease", batchesAnswerPerLease),
    ]

    private static let ending: [Conformance<TaskQueueSubject>] = [
        Conformance("released tasks come back after their own delay", releaseDelays),
        Conformance("a refunded attempt is not counted", releaseRefunds),
        Conformance("acknowledged tasks are gone and may come again", acknowledgeDeletes),
        Conformance("buried tasks are counted and never claimed", buryKeepsDead),
        Conformance("removing takes tasks away from whoever holds them", removeTakesAway),
        Conformance("removing leaves later generations alone", removeKeepsLater),
        Conformance("dead tasks are listed in pages, with what they met", deadAreListed),
        Conformance("depth counts claimable, waiting and dead", depthCounts),
    ]

    // MARK: Claiming

    private static func claimsOldestFirst(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(3)
        // Enqueued in the reverse order of their ids, so that order of arrival is told from order of ids.
        for task in tasks.reversed() {
            try await queue.enqueue([task])
            try await subject.pass(.seconds(1))
        }
        let first = try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(60))
        #expect(first.map(\.task) == [tasks[2], tasks[1]])
        #expect(first.map(\.attempt) == [1, 1])
        let rest = try await queue.claim(limit: 2, worker: "b", leaseDuration: .seconds(60))
        #expect(rest.map(\.task) == [tasks[0]])
        #expect(try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(60)).isEmpty)
    }

    private static func visibleTasksAreClaimable(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(3)
        let claimed = Mutex<[Claim]>([])
        try await queue.enqueue(tasks) {
            let claims = try? await queue.claim(limit: 10, worker: "a", leaseDuration: .seconds(60))
            claimed.withLock { $0 = claims ?? [] }
        }
        #expect(Set(claimed.withLock { $0 }.map(\.task)) == Set(tasks))
    }

    private static func enqueueIsRepeatable(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(2)
        try await queue.enqueue(tasks)
        try await queue.enqueue(tasks)
        let claims = try await queue.claim(limit: 10, worker: "a", leaseDuration: .seconds(60))
        #expect(Set(claims.map(\.task)) == Set(tasks))
        #expect(claims.count == 2)
        try await queue.enqueue(tasks)
        #expect(try await queue.claim(limit: 10, worker: "b", leaseDuration: .seconds(60)).isEmpty)
        #expect(try await queue.acknowledge(claims.map(\.lease)) == [true, true])
    }

    private static func generationsUpsert(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let task = makeTasks(1)[0]
        try await queue.enqueue([task])
        let first = try await claimOne(queue)
        #expect(try await queue.bury([TaskBurial(lease: first.lease, error: "broken")]) == [true])
        try await queue.enqueue([task])
        #expect(try await queue.claim(limit: 1, worker: "a", leaseDuration: .seconds(60)).isEmpty)

        // The same request twice in one batch: the later generation counts, wherever it stands.
        try await queue.enqueue([task.with(generation: 2), task])
        let second = try await claimOne(queue)
        #expect(second.task == task.with(generation: 2))
        #expect(second.attempt == 1)

        try await queue.enqueue([task, makeTasks(1)[0], task.with(generation: 3)])
        #expect(try await queue.acknowledge([second.lease]) == [false])
        let claims = try await queue.claim(limit: 5, worker: "a", leaseDuration: .seconds(60))
        #expect(claims.count == 2)
        #expect(claims.contains { $0.task == task.with(generation: 3) && $0.attempt == 1 })
        #expect(try await queue.depth().dead == 0)
    }

    private static func concurrentClaimsAreDisjoint(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(200)
        try await queue.enqueue(tasks)
        var claims = try await withThrowingTaskGroup(of: [Claim].self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var mine: [Claim] = []
                    while true {
                        let more = try await queue.claim(
                            limit: 7, worker: "worker-\(worker)", leaseDuration: .seconds(600))
                        if more.isEmpty { return mine }
                        mine += more
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        // A worker that lost every race may have stopped early.
        claims += try await queue.claim(limit: 200, worker: "last", leaseDuration: .seconds(600))
        #expect(claims.count == 200)
        #expect(Set(claims.map(\.task)) == Set(tasks))
        #expect(claims.allSatisfy { $0.attempt == 1 })
        #expect(try await queue.acknowledge(claims.map(\.lease)).allSatisfy { $0 })
    }

    private static func emptyBatches(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.prepare()
        try await queue.prepare()
        try await queue.enqueue([])
        try await queue.remove([])
        #expect(try await queue.claim(limit: 5, worker: "a", leaseDuration: .seconds(60)).isEmpty)
        #expect(try await queue.renew([], leaseDuration: .seconds(60)).isEmpty)
        #expect(try await queue.release([]).isEmpty)
        #expect(try await queue.acknowledge([]).isEmpty)
        #expect(try await queue.bury([]).isEmpty)
        #expect(try await queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
    }

    // MARK: Leases

    private static func expiredLeaseIsClaimedAgain(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(1))
        var tokens: Set<LeaseToken> = []
        for attempt in 1...3 {
            let claim = try await claimOne(queue, leaseDuration: .seconds(60))
            #expect(claim.attempt == attempt)
            tokens.insert(claim.lease.token)
            #expect(try await queue.claim(limit: 1, worker: "b", leaseDuration: .seconds(60)).isEmpty)
            try await subject.pass(.seconds(61))
        }
        #expect(tokens.count == 3)
    }

    private static func lapsesAreCounted(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let task = makeTasks(1)[0]
        try await queue.enqueue([task])
        #expect(try await claimOne(queue).lapses == 0)
        try await subject.pass(.seconds(61))
        let second = try await claimOne(queue)
        #expect(second.lapses == 1)
        let release = TaskRelease(lease: second.lease, delay: .zero, refundingAttempt: true)
        #expect(try await queue.release([release]) == [true])
        #expect(try await claimOne(queue).lapses == 1)
        try await subject.pass(.seconds(61))
        #expect(try await claimOne(queue).lapses == 2)
        try await queue.enqueue([task.with(generation: 2)])
        #expect(try await claimOne(queue).lapses == 0)
    }

    private static func staleLeaseChangesNothing(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(1))
        let stale = try await claimOne(queue, leaseDuration: .seconds(60)).lease
        try await subject.pass(.seconds(61))
        let present = try await claimOne(queue, leaseDuration: .seconds(60))

        #expect(try await queue.renew([stale], leaseDuration: .seconds(3600)) == [false])
        #expect(
            try await queue.release([TaskRelease(lease: stale, delay: .zero, refundingAttempt: true)]) == [false])
        #expect(try await queue.bury([TaskBurial(lease: stale, error: "stale")]) == [false])
        #expect(try await queue.acknowledge([stale]) == [false])

        #expect(try await queue.claim(limit: 1, worker: "b", leaseDuration: .seconds(60)).isEmpty)
        try await subject.pass(.seconds(61))
        let next = try await claimOne(queue)
        #expect(next.task == present.task)
        #expect(next.attempt == 3)
    }

    private static func expiredLeaseStillHolds(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(1))
        let lease = try await claimOne(queue, leaseDuration: .seconds(60)).lease
        try await subject.pass(.seconds(61))
        #expect(try await queue.renew([lease], leaseDuration: .seconds(60)) == [true])
        #expect(try await queue.claim(limit: 1, worker: "b", leaseDuration: .seconds(60)).isEmpty)
        try await subject.pass(.seconds(61))
        #expect(try await queue.acknowledge([lease]) == [true])
    }

    private static func renewMovesTheEnd(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(2))
        let leases = try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(600)).map(\.lease)
        try await subject.pass(.seconds(400))
        #expect(try await queue.renew(leases, leaseDuration: .seconds(600)) == [true, true])
        try await subject.pass(.seconds(400))
        #expect(try await queue.claim(limit: 2, worker: "b", leaseDuration: .seconds(600)).isEmpty)
        try await subject.pass(.seconds(201))
        let claims = try await queue.claim(limit: 2, worker: "b", leaseDuration: .seconds(600))
        #expect(claims.map(\.attempt) == [2, 2])
    }

    private static func batchesAnswerPerLease(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(6))
        let held = try await queue.claim(limit: 6, worker: "a", leaseDuration: .seconds(600)).map(\.lease)
        func withStrangers(_ lease: Lease) -> [Lease] {
            [
                Lease(requestID: .make(), token: LeaseToken()), lease,
                Lease(requestID: lease.requestID, token: LeaseToken()),
            ]
        }
        let expected = [false, true, false]
        #expect(try await queue.renew(withStrangers(held[0]), leaseDuration: .seconds(600)) == expected)
        #expect(
            try await queue.release(
                withStrangers(held[1]).map { TaskRelease(lease: $0, delay: .seconds(600), refundingAttempt: false) })
                == expected)
        #expect(try await queue.acknowledge(withStrangers(held[2])) == expected)
        #expect(try await queue.bury(withStrangers(held[3]).map { TaskBurial(lease: $0, error: "broken") }) == expected)
        #expect(try await queue.acknowledge([held[4], held[2], held[5]]) == [true, false, true])
        #expect(try await queue.depth() == QueueDepth(claimable: 0, waiting: 2, dead: 1))
    }

    // MARK: Ending

    private static func releaseDelays(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(3))
        let claims = try await queue.claim(limit: 3, worker: "a", leaseDuration: .seconds(3600))
        let releases = zip(claims, [Duration.zero, .seconds(500), .seconds(1000)]).map { claim, delay in
            TaskRelease(lease: claim.lease, delay: delay, refundingAttempt: false, error: "try again")
        }
        #expect(try await queue.release(releases) == [true, true, true])
        #expect(try await queue.release(releases) == [false, false, false])
        for claim in claims {
            let again = try await queue.claim(limit: 3, worker: "b", leaseDuration: .seconds(3600))
            #expect(again.map(\.task) == [claim.task])
            #expect(again.map(\.attempt) == [2])
            try await subject.pass(.seconds(501))
        }
    }

    private static func releaseRefunds(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(1))
        for _ in 0..<3 {
            let claim = try await claimOne(queue)
            #expect(claim.attempt == 1)
            let release = TaskRelease(lease: claim.lease, delay: .zero, refundingAttempt: true)
            #expect(try await queue.release([release]) == [true])
        }
    }

    private static func acknowledgeDeletes(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(2)
        try await queue.enqueue(tasks)
        let leases = try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(60)).map(\.lease)
        #expect(try await queue.acknowledge(leases) == [true, true])
        #expect(try await queue.acknowledge(leases) == [false, false])
        try await subject.pass(.seconds(61))
        #expect(try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(60)).isEmpty)
        #expect(try await queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
        try await queue.enqueue([tasks[0]])
        #expect(try await claimOne(queue).attempt == 1)
    }

    private static func buryKeepsDead(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(2))
        let claims = try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(60))
        let burials = zip(claims, ["first error", "second error"]).map { TaskBurial(lease: $0.lease, error: $1) }
        #expect(try await queue.bury(burials) == [true, true])
        #expect(try await queue.bury(burials) == [false, false])
        #expect(try await queue.renew(claims.map(\.lease), leaseDuration: .seconds(60)) == [false, false])
        try await subject.pass(.seconds(100_000))
        #expect(try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(60)).isEmpty)
        #expect(try await queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 2))
    }

    private static func removeTakesAway(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(3)
        try await queue.enqueue(tasks)
        let claims = try await queue.claim(limit: 2, worker: "a", leaseDuration: .seconds(60))
        #expect(try await queue.bury([TaskBurial(lease: claims[0].lease, error: "broken")]) == [true])
        try await queue.remove(tasks + makeTasks(1))
        try await queue.remove(tasks)
        #expect(try await queue.acknowledge([claims[1].lease]) == [false])
        #expect(try await queue.depth() == QueueDepth(claimable: 0, waiting: 0, dead: 0))
    }

    private static func removeKeepsLater(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(3)
        try await queue.enqueue([tasks[0], tasks[1].with(generation: 2), tasks[2].with(generation: 3)])
        try await queue.remove([tasks[0], tasks[1], tasks[2].with(generation: 4)])
        let left = try await queue.claim(limit: 3, worker: "a", leaseDuration: .seconds(60))
        #expect(left.map(\.task) == [tasks[1].with(generation: 2)])
    }

    private static func deadAreListed(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        let tasks = makeTasks(5)
        try await queue.enqueue(tasks)
        let claims = try await queue.claim(limit: 4, worker: "a", leaseDuration: .seconds(60))
        // In another order than that of their ids.
        for claim in claims.reversed() {
            let burial = TaskBurial(lease: claim.lease, error: "broken \(claim.task.productID)")
            #expect(try await queue.bury([burial]) == [true])
        }
        let first = try await queue.dead(after: nil, limit: 3)
        #expect(first.map(\.task) == Array(tasks[..<3]))
        #expect(first.map(\.attempts) == [1, 1, 1])
        #expect(first.map(\.error) == tasks[..<3].map { "broken \($0.productID)" })
        let rest = try await queue.dead(after: first.last?.task.requestID, limit: 3)
        #expect(rest.map(\.task) == [tasks[3]])
        #expect(try await queue.dead([tasks[4], tasks[1]].map(\.requestID)) == [nil, first[1]])
        #expect(try await queue.dead([]).isEmpty)
    }

    private static func depthCounts(_ subject: TaskQueueSubject) async throws {
        let queue = subject.queue
        try await queue.enqueue(makeTasks(6))
        let claims = try await queue.claim(limit: 3, worker: "a", leaseDuration: .seconds(60))
        #expect(try await queue.bury([TaskBurial(lease: claims[0].lease, error: "broken")]) == [true])
        #expect(try await queue.depth() == QueueDepth(claimable: 3, waiting: 2, dead: 1))
        try await subject.pass(.seconds(61))
        #expect(try await queue.depth() == QueueDepth(claimable: 5, waiting: 0, dead: 1))
    }

    // MARK: Making

    private static func makeTasks(_ count: Int) -> [AnalysisTask] {
        (0..<count).compactMap { index in
            ProductID("product-\(index)").map { AnalysisTask(requestID: .make(), productID: $0, generation: 1) }
        }
    }

    private static func claimOne(
        _ queue: any TaskQueue, leaseDuration: Duration = .seconds(60)
    ) async throws -> Claim {
        try #require(try await queue.claim(limit: 1, worker: "a", leaseDuration: leaseDuration).first)
    }
}

extension AnalysisTask {
    fileprivate func with(generation: Int) -> AnalysisTask {
        AnalysisTask(requestID: requestID, productID: productID, generation: generation)
    }
}
