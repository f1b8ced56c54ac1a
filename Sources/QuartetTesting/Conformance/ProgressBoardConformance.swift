package import QuartetCore
import Testing

/// What every ``ProgressBoard`` does.
package enum ProgressBoardConformance {
    package static let behaviours: [Conformance<any ProgressBoard>] = [
        Conformance("progress is read as reported", readsReports),
        Conformance("progress grows in whichever order reports come", isMonotonic),
        Conformance("what is closed does not run again", staysClosed),
        Conformance("what is tried again runs again, in whichever order reports come", runsAgain),
        Conformance("who follows a task is told what became of each report", reportsAreTold),
        Conformance("who follows a task is told once of its completion", wholeReportsAreTold),
        Conformance("a report that changes nothing is not told", silentReports),
        Conformance("a ring reaches every listener", ringsReachAll),
        Conformance("a listener that stops does not stop the others", listenersLeave),
    ]

    private static func readsReports(_ board: any ProgressBoard) async throws {
        let ids = (0..<3).map { _ in RequestID.make() }
        let first = Progress(requestID: ids[0], done: 20, total: 100)
        let last = Progress(requestID: ids[2], done: 7, total: 7, phase: .completed)
        try await board.report([first, last])
        #expect(try await board.read(ids) == [first, nil, last])
        #expect(try await board.read([ids[2], ids[2]]) == [last, last])
        try await board.report([])
        #expect(try await board.read([]).isEmpty)
    }

    private static func isMonotonic(_ board: any ProgressBoard) async throws {
        let reports: [(done: Int, total: Int, phase: Progress.Phase)] = [
            (0, 100, .running), (9, 100, .running), (100, 100, .completed), (0, 0, .failed),
        ]
        for order in permutations(of: reports.indices.map { $0 }) {
            let id = RequestID.make()
            for index in order {
                let report = reports[index]
                try await board.report([
                    Progress(requestID: id, done: report.done, total: report.total, phase: report.phase)
                ])
            }
            let expected = Progress(requestID: id, done: 100, total: 100, phase: .completed)
            #expect(try await board.read([id]) == [expected], "in the order \(order)")
        }
    }

    private static func staysClosed(_ board: any ProgressBoard) async throws {
        let id = RequestID.make()
        try await board.report([Progress(requestID: id, done: 40, total: 100)])
        // Who cancels does not know how far the task is.
        try await board.report([Progress(requestID: id, done: 0, total: 0, phase: .cancelled)])
        #expect(try await board.read([id]) == [Progress(requestID: id, done: 40, total: 100, phase: .cancelled)])
        // A worker that has not heard of it goes on for a while.
        try await board.report([Progress(requestID: id, done: 60, total: 100)])
        #expect(try await board.read([id]) == [Progress(requestID: id, done: 60, total: 100, phase: .cancelled)])
    }

    private static func runsAgain(_ board: any ProgressBoard) async throws {
        let reports: [(generation: Int, done: Int, total: Int, phase: Progress.Phase)] = [
            (1, 40, 100, .running), (1, 0, 0, .failed), (2, 50, 100, .running),
        ]
        for order in permutations(of: reports.indices.map { $0 }) {
            let id = RequestID.make()
            for report in order.map({ reports[$0] }) {
                try await board.report([
                    Progress(
                        requestID: id, generation: report.generation, done: report.done, total: report.total,
                        phase: report.phase)
                ])
            }
            let expected = Progress(requestID: id, generation: 2, done: 50, total: 100)
            #expect(try await board.read([id]) == [expected], "in the order \(order)")
            let end = Progress(requestID: id, generation: 2, done: 100, total: 100, phase: .completed)
            try await board.report([end])
            #expect(try await board.read([id]) == [end])
        }
    }

    private static func reportsAreTold(_ board: any ProgressBoard) async throws {
        let id = RequestID.make()
        var reports = board.reports(of: id).makeAsyncIterator()
        // The first says that earlier reports may have been missed.
        #expect(await reports.next() == .some(nil))
        for done in 1...3 {
            try await board.report([Progress(requestID: id, done: done, total: 3)])
            #expect(await reports.next() == Progress(requestID: id, done: done, total: 3))
        }
        try await board.report([Progress(requestID: id, done: 0, total: 0, phase: .completed)])
        #expect(await reports.next() == Progress(requestID: id, done: 3, total: 3, phase: .completed))
        #expect(await reports.next() == nil, "nothing comes behind a completion")
    }

    private static func wholeReportsAreTold(_ board: any ProgressBoard) async throws {
        let id = RequestID.make()
        var reports = board.reports(of: id).makeAsyncIterator()
        #expect(await reports.next() == .some(nil))
        let whole = Progress(requestID: id, done: 3, total: 3, phase: .completed)
        try await board.report([whole])
        #expect(await reports.next() == whole)
        #expect(await reports.next() == nil)
        #expect(try await board.read([id]) == [whole])
    }

    private static func silentReports(_ board: any ProgressBoard) async throws {
        let id = RequestID.make()
        // Between the nodes of a cluster a report takes a moment: it is waited for, so that it can't come later.
        var before = board.reports(of: id).makeAsyncIterator()
        #expect(await before.next() == .some(nil))
        try await board.report([Progress(requestID: id, done: 2, total: 3)])
        #expect(await before.next() == Progress(requestID: id, done: 2, total: 3))
        var reports = board.reports(of: id).makeAsyncIterator()
        #expect(await reports.next() == .some(nil))
        try await board.report([Progress(requestID: id, done: 1, total: 3)])
        try await board.report([Progress(requestID: id, done: 3, total: 3)])
        #expect(await reports.next() == Progress(requestID: id, done: 3, total: 3))
    }

    private static func ringsReachAll(_ board: any ProgressBoard) async throws {
        let rang = Latch(count: 3)
        let task = AnalysisTask(requestID: .make(), productID: try #require(ProductID("p:1.a_b-c")), generation: 7)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                let rings = board.rings(of: .queue)
                group.addTask {
                    var rings = rings.makeAsyncIterator()
                    // The first says that the listener listens.
                    #expect(await rings.next() == .some(nil))
                    await rang.arrive()
                    // Listening may begin more than once.
                    var ring = await rings.next()
                    while ring == .some(nil) { ring = await rings.next() }
                    #expect(ring == task)
                }
            }
            await rang.wait()
            try await board.ring(.queue, for: task)
            try await group.waitForAll()
        }
    }

    private static func listenersLeave(_ board: any ProgressBoard) async throws {
        var stays = board.rings(of: .queue).makeAsyncIterator()
        _ = await stays.next()
        do {
            var leaves = board.rings(of: .queue).makeAsyncIterator()
            _ = await leaves.next()
        }
        try await board.ring(.queue)
        #expect(await stays.next() == .some(nil))
    }

    private static func permutations(of items: [Int]) -> [[Int]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { index in
            var rest = items
            let first = rest.remove(at: index)
            return permutations(of: rest).map { [first] + $0 }
        }
    }
}

/// Lets one task wait until others have come to a point.
private actor Latch {
    private var missing: Int
    private var waiter: CheckedContinuation<Void, Never>?

    init(count: Int) {
        missing = count
    }

    func arrive() {
        missing -= 1
        if missing == 0 { waiter?.resume() }
    }

    /// One caller.
    func wait() async {
        guard missing > 0 else { return }
        await withCheckedContinuation { waiter = $0 }
    }
}
