/// Which transactions a reader of the outbox could not see: those in flight at its moment, and all that began later.
package struct OutboxSnapshot: Sendable, Hashable {
    /// Every transaction below has ended.
    package let begin: UInt64
    /// No transaction from here on had begun.
    package let end: UInt64
    /// Those between that were in flight.
    package let inFlight: [UInt64]
    /// False where more may have been in flight than are worth remembering: another read, behind the end of this one, has
    /// them listed.
    package let isComplete: Bool

    package init(begin: UInt64, end: UInt64, inFlight: [UInt64], isComplete: Bool = true) {
        self.begin = begin
        self.end = end
        self.inFlight = inFlight
        self.isComplete = isComplete
    }

    /// From a `pg_snapshot` as PostgreSQL writes it, `xmin:xmax:xip,xip...`, and the reader's own number, which it took
    /// behind it.
    ///
    /// `xmax` stands behind the last transaction that had ended, not behind the last one that had begun: those from there to
    /// the reader's number may have been in flight, and are not listed.
    package init?(text: String, own: UInt64) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let begin = UInt64(parts[0]), let xmax = UInt64(parts[1]), xmax <= own else {
            return nil
        }
        let listed = parts[2].split(separator: ",").compactMap { UInt64($0) }
        let unlisted = xmax..<xmax + min(own - xmax, Self.unlistedMax)
        self.init(
            begin: begin, end: own, inFlight: listed + unlisted, isComplete: own - xmax <= Self.unlistedMax)
    }

    private static let unlistedMax: UInt64 = 1_000
}

/// How far a sink is in one shard of the outbox: a position, and the transactions that were in flight when it was taken.
///
/// Ids come from a sequence, so a transaction may commit rows below what was read. Whoever wrote them had a number before
/// they had ids: so it was among those in flight then, and the reader comes back for it, and for nothing else. No open
/// transaction holds up rows of others. The rows of one aggregate still come in the order of their ids, because its later
/// transaction waited for the earlier one's commit before it took ids of its own.
package struct OutboxCursor: Sendable, Hashable {
    /// A transaction to come back for.
    package struct Pending: Sendable, Hashable {
        package let transaction: UInt64
        /// Its rows up to this id were taken.
        package let after: Int64

        package init(transaction: UInt64, after: Int64 = 0) {
            self.transaction = transaction
            self.after = after
        }
    }

    /// Every row up to this id that was visible was taken, those of `pending` aside.
    package private(set) var position: Int64
    /// Never more than were in flight at one moment, and those whose rows did not fit one read.
    package private(set) var pending: [Pending]
    /// In which epoch of the server its numbers were given.
    package let epoch: Int
    /// Every row up to here was taken for certain: where to begin again in another epoch.
    package private(set) var settled: Int64
    /// Becomes `settled` when every transaction below `candidateEnd` has ended.
    package private(set) var candidate: Int64
    package private(set) var candidateEnd: UInt64

    package init(
        position: Int64 = 0, pending: [Pending] = [], epoch: Int = 1, settled: Int64 = 0, candidate: Int64 = 0,
        candidateEnd: UInt64 = 0
    ) {
        self.position = position
        self.pending = pending
        self.epoch = epoch
        self.settled = settled
        self.candidate = candidate
        self.candidateEnd = candidateEnd
    }

    /// Whether a row is still to be taken.
    package func wants(transaction: UInt64, id: Int64) -> Bool {
        id > position || pending.contains { $0.transaction == transaction && id > $0.after }
    }

    /// Moves past rows that were read in `snapshot`.
    ///
    /// - Parameters:
    ///   - rows: in the order in which they were read: first those of pending transactions, then those behind the position,
    ///     each by id.
    ///   - isWhole: whether these were all rows that the cursor wanted then, or at least all of pending transactions.
    package mutating func advance(
        past rows: [(transaction: UInt64, id: Int64)], in snapshot: OutboxSnapshot, isWhole: Bool
    ) {
        let lastLate = rows.last { $0.id <= position }?.id
        let newest = rows.last { $0.id > position }?.id
        var left: [Pending] = []
        // Rows behind the position are read after all others.
        if newest == nil, !isWhole {
            let inFlight = Set(snapshot.inFlight)
            left = pending.filter { !inFlight.contains($0.transaction) }.map {
                Pending(transaction: $0.transaction, after: max($0.after, lastLate ?? 0))
            }
        }
        pending = left + snapshot.inFlight.map { Pending(transaction: $0) }
        position = max(position, newest ?? position)
        if left.isEmpty, snapshot.begin >= candidateEnd {
            settled = candidate
            (candidate, candidateEnd) = (position, snapshot.end)
        }
    }

    /// The same cursor in another epoch: its transactions' numbers may mean others by now.
    package func beginning(in epoch: Int) -> OutboxCursor {
        OutboxCursor(position: settled, epoch: epoch, settled: settled, candidate: settled)
    }
}
