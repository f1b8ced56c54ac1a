import ClientSupport
import Synchronization
import Testing

@Suite struct BatcherTests {
    /// Opens when told; counts who came by.
    actor Gate {
        private var isOpen = false
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var arrivals = 0
        private var expecting: (count: Int, continuation: CheckedContinuation<Void, Never>)?

        func pass() async {
            arrivals += 1
            if let expecting, arrivals >= expecting.count {
                self.expecting = nil
                expecting.continuation.resume()
            }
            if isOpen { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        func open() {
            isOpen = true
            for continuation in waiting { continuation.resume() }
            waiting = []
        }

        /// Returns once `count` have come by.
        func arrived(_ count: Int) async {
            if arrivals >= count { return }
            await withCheckedContinuation { expecting = (count, $0) }
        }
    }

    struct Refusal: StoreFailure, Equatable {
        var mayHaveHappened = false
        var isRetriable = false
        var isUnavailable = false
        var description: String { "refused" }
    }

    private func doubling(
        _ limits: Batcher<Int, Int>.Limits = .init(), gate: Gate, sizes: @escaping @Sendable (Int) -> Void = { _ in }
    ) -> Batcher<Int, Int> {
        Batcher(name: "test", limits: limits) { items in
            sizes(items.count)
            await gate.pass()
            return items.map { .success($0 * 2) }
        }
    }

    /// Starts a call for each item and returns once all of them wait or are on the way.
    private func start(_ batcher: Batcher<Int, Int>, _ items: Range<Int>) async -> [Task<Int, any Error>] {
        var tasks: [Task<Int, any Error>] = []
        for item in items {
            tasks.append(Task { try await batcher(item) })
            while batcher.pending < tasks.count { await Task.yield() }
        }
        return tasks
    }

    @Test func aLoneItemGoesAtOnce() async throws {
        let gate = Gate()
        await gate.open()
        #expect(try await doubling(gate: gate)(21) == 42)
    }

    @Test func whatComesWhileABatchIsOnTheWayGoesTogether() async throws {
        let gate = Gate()
        let sizes = Mutex<[Int]>([])
        let batcher = doubling(gate: gate) { size in sizes.withLock { $0.append(size) } }
        let tasks = await start(batcher, 0..<10)
        await gate.open()
        for (item, task) in tasks.enumerated() { #expect(try await task.value == item * 2) }
        #expect(sizes.withLock { $0 } == [1, 9])
    }

    @Test func batchesKeepTheirBound() async throws {
        let gate = Gate()
        let sizes = Mutex<[Int]>([])
        let batcher = doubling(.init(batchSizeMax: 4), gate: gate) { size in sizes.withLock { $0.append(size) } }
        let tasks = await start(batcher, 0..<10)
        await gate.open()
        for task in tasks { _ = try await task.value }
        #expect(sizes.withLock { $0 } == [1, 4, 4, 1])
    }

    @Test func weightsCountNotItems() async throws {
        let gate = Gate()
        let sizes = Mutex<[Int]>([])
        let weigh: @Sendable (Int) -> Int = { $0 }
        let batcher = Batcher<Int, Int>(name: "test", limits: .init(batchSizeMax: 10), weigh: weigh) { items in
            sizes.withLock { $0.append(items.count) }
            await gate.pass()
            return items.map { .success($0) }
        }
        var tasks: [Task<Int, any Error>] = []
        for weight in [1, 6, 4, 3, 20, 1] {
            tasks.append(Task { try await batcher(weight) })
            while batcher.pending < tasks.count { await Task.yield() }
        }
        await gate.open()
        for task in tasks { _ = try await task.value }
        #expect(sizes.withLock { $0 } == [1, 2, 1, 1, 1])
    }

    @Test func tooManyWaitingAreRefused() async throws {
        let gate = Gate()
        let batcher = doubling(.init(waitingMax: 2), gate: gate)
        let tasks = await start(batcher, 0..<3)
        await #expect(throws: BatcherError.overloaded(name: "test", waitingMax: 2)) { try await batcher(9) }
        await gate.open()
        for task in tasks { _ = try await task.value }
    }

    @Test func aBadItemDoesNotFailItsNeighbours() async throws {
        let gate = Gate()
        let batcher = Batcher<Int, Int>(name: "test") { items in
            await gate.pass()
            if items.contains(13) { throw Refusal() }
            return items.map { .success($0) }
        }
        var tasks: [Task<Int, any Error>] = []
        for item in 10..<20 {
            tasks.append(Task { try await batcher(item) })
            while batcher.pending < tasks.count { await Task.yield() }
        }
        await gate.open()
        for (item, task) in zip(10..<20, tasks) {
            if item == 13 {
                await #expect(throws: Refusal.self) { try await task.value }
            } else {
                #expect(try await task.value == item)
            }
        }
    }

    @Test(arguments: [Refusal(isUnavailable: true), Refusal(mayHaveHappened: true)])
    func aStoreThatIsAwayIsNotAskedForEachItem(_ failure: Refusal) async throws {
        let gate = Gate()
        let calls = Mutex(0)
        let batcher = Batcher<Int, Int>(name: "test") { items in
            calls.withLock { $0 += 1 }
            await gate.pass()
            throw failure
        }
        var tasks: [Task<Int, any Error>] = []
        for item in 0..<8 {
            tasks.append(Task { try await batcher(item) })
            while batcher.pending < tasks.count { await Task.yield() }
        }
        await gate.open()
        for task in tasks { await #expect(throws: failure) { try await task.value } }
        #expect(calls.withLock { $0 } == 2)
    }

    @Test func cancellingTakesAWaitingItemBack() async throws {
        let gate = Gate()
        let seen = Mutex<[Int]>([])
        let batcher = Batcher<Int, Int>(name: "test") { items in
            seen.withLock { $0 += items }
            await gate.pass()
            return items.map { .success($0) }
        }
        var tasks: [Task<Int, any Error>] = []
        for item in 0..<3 {
            tasks.append(Task { try await batcher(item) })
            while batcher.pending < tasks.count { await Task.yield() }
        }
        tasks[1].cancel()
        await #expect(throws: CancellationError.self) { try await tasks[1].value }
        await gate.open()
        #expect(try await tasks[2].value == 2)
        #expect(seen.withLock { $0 } == [0, 2])
    }

    @Test func aCallerWhoseBatchIsOnTheWayLearnsTheOutcome() async throws {
        let gate = Gate()
        let batcher = doubling(gate: gate)
        let task = Task { try await batcher(4) }
        await gate.arrived(1)
        task.cancel()
        await gate.open()
        #expect(try await task.value == 8)
    }

    @Test func closingFinishesWhatWasHandedIn() async throws {
        let gate = Gate()
        let batcher = doubling(gate: gate)
        let tasks = await start(batcher, 0..<3)
        let closing = Task { await batcher.close() }
        while !batcher.isClosed { await Task.yield() }
        await #expect(throws: BatcherError.closed(name: "test")) { try await batcher(1) }
        await gate.open()
        await closing.value
        for (item, task) in tasks.enumerated() { #expect(try await task.value == item * 2) }
    }

    @Test func severalBatchesMayBeOnTheWay() async throws {
        let gate = Gate()
        let batcher = doubling(.init(inFlightMax: 3), gate: gate)
        let tasks = (0..<3).map { item in Task { try await batcher(item) } }
        await gate.arrived(3)
        await gate.open()
        for task in tasks { _ = try await task.value }
    }

    @Test func manyCallersEachGetTheirOwn() async throws {
        let batcher = Batcher<Int, Int>(name: "test", limits: .init(batchSizeMax: 64)) { items in
            await Task.yield()
            return items.map { $0 % 7 == 0 ? .failure(Refusal()) : .success($0) }
        }
        let sum = await withTaskGroup(of: Int.self) { group in
            for item in 0..<5_000 { group.addTask { (try? await batcher(item)) ?? 0 } }
            return await group.reduce(0, +)
        }
        #expect(sum == (0..<5_000).filter { $0 % 7 != 0 }.reduce(0, +))
    }
}
