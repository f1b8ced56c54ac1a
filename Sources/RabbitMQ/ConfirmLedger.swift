/// Which messages are on the way, by the numbers that the server confirms them with.
struct ConfirmLedger {
    private struct Slot {
        let batch: UInt64
        let index: Int
        var returned: String?
    }

    private struct Batch {
        var results: [Result<Void, RabbitError>?]
        var missing: Int
    }

    private(set) var lastNumber: UInt64 = 0
    private var firstOpen: UInt64 = 1
    private var slots: [UInt64: Slot] = [:]
    private var batches: [UInt64: Batch] = [:]

    var outstanding: Int { slots.count }

    mutating func open(_ batch: UInt64, count: Int) {
        batches[batch] = Batch(results: Array(repeating: nil, count: count), missing: count)
    }

    /// A message is about to be sent; returns its number.
    mutating func sending(_ batch: UInt64, _ index: Int) -> UInt64 {
        lastNumber += 1
        slots[lastNumber] = Slot(batch: batch, index: index)
        return lastNumber
    }

    mutating func resolve(_ batch: UInt64, _ index: Int, _ result: Result<Void, RabbitError>) {
        guard batches[batch]?.results[index] == nil, batches[batch] != nil else { return }
        batches[batch]?.results[index] = result
        batches[batch]?.missing -= 1
    }

    func isResolved(_ batch: UInt64, _ index: Int) -> Bool { batches[batch]?.results[index] != nil }

    func isFinished(_ batch: UInt64) -> Bool { batches[batch]?.missing ?? 0 == 0 }

    /// Takes a batch's results; messages without one get `missing`.
    mutating func close(_ batch: UInt64, missing: RabbitError) -> [Result<Void, RabbitError>] {
        batches.removeValue(forKey: batch)?.results.map { $0 ?? .failure(missing) } ?? []
    }

    /// The server sent a message back.
    ///
    /// - Returns: false if it is none that was sent.
    mutating func returned(number: UInt64, reason: String) -> Bool {
        guard slots[number] != nil else { return false }
        slots[number]?.returned = reason
        return true
    }

    /// The server has taken messages or refuses to; returns the batches that are finished by that.
    mutating func confirmed(_ tag: UInt64, isMultiple: Bool, isTaken: Bool) -> [UInt64] {
        guard isMultiple else { return settle(tag, isTaken: isTaken).map { [$0] } ?? [] }
        // What the server says is no number to count to.
        let last = tag == 0 ? lastNumber : min(tag, lastNumber)
        var finished: [UInt64] = []
        while firstOpen <= last {
            if let batch = settle(firstOpen, isTaken: isTaken) { finished.append(batch) }
            firstOpen += 1
        }
        return finished
    }

    private mutating func settle(_ number: UInt64, isTaken: Bool) -> UInt64? {
        guard let slot = slots.removeValue(forKey: number) else { return nil }
        let result: Result<Void, RabbitError> =
            if let reason = slot.returned {
                .failure(RabbitError(.unroutable, "no queue is bound for a message (\(reason)): run quartet migrate"))
            } else if isTaken {
                .success(())
            } else {
                .failure(RabbitError(.notTaken, "the server could not take a message", mayHaveHappened: true))
            }
        resolve(slot.batch, slot.index, result)
        return isFinished(slot.batch) ? slot.batch : nil
    }

    /// The connection is gone and numbers begin again; returns all batches that were waiting.
    mutating func lost(_ error: RabbitError) -> [UInt64] {
        for slot in slots.values { resolve(slot.batch, slot.index, .failure(error.happening(true))) }
        let waiting = Set(slots.values.map(\.batch))
        slots = [:]
        (lastNumber, firstOpen) = (0, 1)
        return Array(waiting)
    }
}
