import Synchronization

/// Adaptive group commit: what is asked while a batch is on the way goes out together as the next batch.
///
/// There is no timer. An idle batcher sends a lone item at once; a busy one sends as many as have gathered meanwhile, up
/// to its bounds. So latency is the store's own when it is quiet, and a hundred callers share one commit when it is
/// not. Each caller gets its own result or error.
///
/// When a whole batch fails for a reason that need not be every item's, it is split in halves and tried again, down to
/// single items, so that one bad item does not fail its neighbours. Every operation batched here is therefore one that
/// can be repeated.
package final class Batcher<Item: Sendable, Output: Sendable>: Sendable {
    package typealias Limits = BatcherLimits

    /// Sends one batch and returns one result per item, in the items' order.
    package typealias Perform = @Sendable (_ items: [Item]) async throws -> [Result<Output, any Error>]

    package let name: String
    private let limits: Limits
    private let weigh: @Sendable (Item) -> Int
    private let perform: Perform
    private let observe: (@Sendable (BatchReport) -> Void)?
    private let state = Mutex(BatcherState())

    /// - Parameters:
    ///   - name: says in errors and metrics which batcher it is.
    ///   - weigh: an item's share of `batchSizeMax`, at least 1.
    ///   - observe: called after each batch, for metrics.
    package init(
        name: String,
        limits: Limits = Limits(),
        weigh: @escaping @Sendable (Item) -> Int = { _ in 1 },
        observe: (@Sendable (BatchReport) -> Void)? = nil,
        perform: @escaping Perform
    ) {
        self.name = name
        self.limits = limits
        self.weigh = weigh
        self.observe = observe
        self.perform = perform
    }

    /// Hands in one item and waits for its own result.
    ///
    /// Cancelling the caller takes the item back while it waits. Once its batch is on the way the caller learns the
    /// outcome, which the store's deadline bounds; a caller that finds the batcher idle sends its item itself, and its
    /// cancellation reaches the store.
    ///
    /// - Throws: `BatcherError` when too many wait or the batcher is closed, `CancellationError`, or the item's error.
    package func callAsFunction(_ item: Item) async throws -> Output {
        let weight = max(1, weigh(item))
        try Task.checkCancellation()
        if state.withLock({ $0.lead(limits: limits) }) { return try await sendAlone(item) }
        let id = state.withLock { $0.makeID() }
        return try await withTaskCancellationHandler {
            // Every waiter is resumed by whoever takes it out of the state, once.
            try await withUnsafeThrowingContinuation { continuation in
                let waiter = Waiter(id: id, item: item, weight: weight, continuation: continuation)
                act(on: state.withLock { $0.add(waiter, name: name, limits: limits) })
                // The cancellation may have come before there was a waiter to take back.
                if Task.isCancelled { takeBack(id) }
            }
        } onCancel: {
            takeBack(id)
        }
    }

    private func takeBack(_ id: UInt64) {
        state.withLock { $0.remove(id) }?.fail(CancellationError())
    }

    /// Refuses what comes from now on and returns when everything already handed in has its result.
    package func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { $0.close(continuation) }
            if isIdle { continuation.resume() }
        }
    }

    /// Callers whose items wait or are on the way.
    package var pending: Int { state.withLock { $0.pending } }

    package var isClosed: Bool { state.withLock { $0.isClosed } }

    private func act(on action: BatcherState.Action) {
        switch action {
        case .wait: break
        case .refuse(let waiter, let error): waiter.fail(error)
        case .send(let batch): Task { await run(batch) }
        }
    }

    /// Sends one item on its caller's own task, which costs no change of threads; what has gathered meanwhile goes on
    /// without it.
    private func sendAlone(_ item: Item) async throws -> Output {
        let started = ContinuousClock.now
        var failed = 1
        defer {
            if let following = finish(1, failed: failed, since: started) { Task { await run(following) } }
        }
        let results = try await perform([item])
        precondition(results.count == 1, "batcher \(name): one result per item")
        let output = try results[0].get()
        failed = 0
        return output
    }

    /// Sends batch after batch until nothing waits.
    private func run(_ first: [any BatchWaiter]) async {
        var next: [any BatchWaiter]? = first
        while let batch = next {
            let started = ContinuousClock.now
            let failed = await send(batch[...])
            next = finish(batch.count, failed: failed, since: started)
        }
    }

    /// Returns the next batch.
    private func finish(_ count: Int, failed: Int, since started: ContinuousClock.Instant) -> [any BatchWaiter]? {
        observe?(BatchReport(name: name, items: count, failed: failed, duration: started.duration(to: .now)))
        let (following, idle) = state.withLock { $0.finishBatch(of: count, limits: limits) }
        for continuation in idle { continuation.resume() }
        return following
    }

    /// Sends `batch`, splitting it where that may save some of its items; returns how many failed.
    private func send(_ batch: ArraySlice<any BatchWaiter>) async -> Int {
        do {
            return answer(batch, try await perform(items(batch)))
        } catch {
            guard batch.count > 1, Self.mayConcernOneItem(error) else {
                for waiter in batch { waiter.fail(error) }
                return batch.count
            }
            if (error as? any StoreFailure)?.isContended == true {
                var probes = Self.probesMax
                return await sift(batch, error, probes: &probes)
            }
            let middle = batch.startIndex + batch.count / 2
            return await send(batch[..<middle]) + send(batch[middle...])
        }
    }

    private func answer(_ batch: ArraySlice<any BatchWaiter>, _ results: [Result<Output, any Error>]) -> Int {
        precondition(results.count == batch.count, "batcher \(name): one result per item")
        var failed = 0
        for (waiter, result) in zip(batch, results) {
            if case .failure = result { failed += 1 }
            typed(waiter).continuation.resume(with: result)
        }
        return failed
    }

    private func items(_ batch: ArraySlice<any BatchWaiter>) -> [Item] { batch.map { typed($0).item } }

    /// This batcher's state has waiters of its own only.
    private func typed(_ waiter: any BatchWaiter) -> Waiter { unsafeDowncast(waiter, to: Waiter.self) }

    /// So many calls find a few items that are held up. Where more are, the lock is on all of them.
    private static var probesMax: Int { 64 }

    /// Finds the items of `batch` that others hold up, which fail with `error`; the rest goes through.
    private func sift(_ batch: ArraySlice<any BatchWaiter>, _ error: any Error, probes: inout Int) async -> Int {
        guard batch.count > 1, probes > 0 else {
            for waiter in batch { waiter.fail(error) }
            return batch.count
        }
        let middle = batch.startIndex + batch.count / 2
        return await probe(batch[..<middle], probes: &probes) + probe(batch[middle...], probes: &probes)
    }

    private func probe(_ batch: ArraySlice<any BatchWaiter>, probes: inout Int) async -> Int {
        probes -= 1
        do {
            let results = try await Contention.$isProbing.withValue(true) {
                try await perform(items(batch))
            }
            return answer(batch, results)
        } catch {
            guard (error as? any StoreFailure)?.isContended == true else { return await send(batch) }
            return await sift(batch, error, probes: &probes)
        }
    }

    /// A store that is away fails every half alike, and so does a cancellation: splitting would only multiply the calls.
    private static func mayConcernOneItem(_ error: any Error) -> Bool {
        if error is CancellationError { return false }
        guard let failure = error as? any StoreFailure else { return true }
        return !failure.isUnavailable && !failure.mayHaveHappened
    }
}

/// The bounds of a batcher. Sizes are sums of item weights, which are 1 unless told otherwise.
package struct BatcherLimits: Sendable, Hashable {
    /// The largest total weight of one batch; a single item above it goes alone.
    package var batchSizeMax: Int
    /// How many callers may wait; one more is refused with ``BatcherError/overloaded(name:waitingMax:)``.
    package var waitingMax: Int
    /// How many batches may be on the way at once.
    package var inFlightMax: Int

    package init(batchSizeMax: Int = 512, waitingMax: Int = 16_384, inFlightMax: Int = 1) {
        precondition(batchSizeMax > 0 && waitingMax > 0 && inFlightMax > 0, "a batcher's limits are at least 1")
        self.batchSizeMax = batchSizeMax
        self.waitingMax = waitingMax
        self.inFlightMax = inFlightMax
    }
}

/// What one batch was, for metrics.
package struct BatchReport: Sendable {
    package let name: String
    package let items: Int
    package let failed: Int
    package let duration: Duration
}

/// Why a batcher did not take an item.
package enum BatcherError: StoreFailure, Equatable {
    case overloaded(name: String, waitingMax: Int)
    case closed(name: String)

    package var mayHaveHappened: Bool { false }
    package var isRetriable: Bool { true }
    package var isUnavailable: Bool { true }

    package var description: String {
        switch self {
        case .overloaded(let name, let waitingMax): "\(name): \(waitingMax) callers wait already"
        case .closed(let name): "\(name): shutting down"
        }
    }
}

extension Batcher {
    fileprivate final class Waiter: BatchWaiter {
        let id: UInt64
        let item: Item
        let weight: Int
        let continuation: UnsafeContinuation<Output, any Error>

        init(id: UInt64, item: Item, weight: Int, continuation: UnsafeContinuation<Output, any Error>) {
            self.id = id
            self.item = item
            self.weight = weight
            self.continuation = continuation
        }

        func fail(_ error: any Error) { continuation.resume(throwing: error) }
    }
}
