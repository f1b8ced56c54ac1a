import DequeModule

/// Who waits for a batch to take its item. What decides has no need of the item's type, and were it generic over it, its own
/// types would be made at run time, at every call.
///
/// An object, so that queues and batches move references and not items.
protocol BatchWaiter: AnyObject, Sendable {
    var id: UInt64 { get }
    var weight: Int { get }

    func fail(_ error: any Error)
}

/// Decides and changes nothing outside itself: lock, decide, unlock, act.
struct BatcherState {
    enum Action {
        case wait
        case refuse(any BatchWaiter, any Error)
        case send([any BatchWaiter])
    }

    private var waiting = Deque<any BatchWaiter>()
    private var batchesInFlight = 0
    private var nextID: UInt64 = 0
    private(set) var isClosed = false
    private var itemsInFlight = 0
    private var closers: [CheckedContinuation<Void, Never>] = []

    var pending: Int { waiting.count + itemsInFlight }

    mutating func makeID() -> UInt64 {
        nextID += 1
        return nextID
    }

    /// True if a caller may send its item at once, as a batch of its own.
    mutating func lead(limits: BatcherLimits) -> Bool {
        guard !isClosed, waiting.isEmpty, batchesInFlight < limits.inFlightMax else { return false }
        batchesInFlight += 1
        itemsInFlight += 1
        return true
    }

    mutating func add(_ waiter: any BatchWaiter, name: String, limits: BatcherLimits) -> Action {
        if isClosed { return .refuse(waiter, BatcherError.closed(name: name)) }
        if waiting.count >= limits.waitingMax {
            return .refuse(waiter, BatcherError.overloaded(name: name, waitingMax: limits.waitingMax))
        }
        waiting.append(waiter)
        guard batchesInFlight < limits.inFlightMax else { return .wait }
        batchesInFlight += 1
        return .send(takeBatch(limits: limits))
    }

    mutating func remove(_ id: UInt64) -> (any BatchWaiter)? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return waiting.remove(at: index)
    }

    /// The next batch, or who was waiting for the batcher to become idle.
    mutating func finishBatch(
        of count: Int, limits: BatcherLimits
    ) -> (next: [any BatchWaiter]?, idle: [CheckedContinuation<Void, Never>]) {
        itemsInFlight -= count
        if !waiting.isEmpty { return (takeBatch(limits: limits), []) }
        batchesInFlight -= 1
        guard batchesInFlight == 0, isClosed else { return (nil, []) }
        defer { closers = [] }
        return (nil, closers)
    }

    /// True if nothing is on the way; otherwise `continuation` is kept for when that is so.
    mutating func close(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
        isClosed = true
        guard batchesInFlight > 0 else { return true }
        closers.append(continuation)
        return false
    }

    private mutating func takeBatch(limits: BatcherLimits) -> [any BatchWaiter] {
        var batch: [any BatchWaiter] = []
        var weight = 0
        while let first = waiting.first, batch.isEmpty || weight + first.weight <= limits.batchSizeMax {
            weight += first.weight
            batch.append(waiting.removeFirst())
        }
        itemsInFlight += batch.count
        return batch
    }
}
