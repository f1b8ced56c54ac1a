import CLibPQ
import DequeModule
import Synchronization

extension ConnectionLoop {
    /// True while the reader of the first flight has enough.
    var isPaused: Bool {
        switch flights.first?.request.kind {
        case .stream(_, let channel, _): !channel.hasRoom
        case .script(_, .output(let channel)): !channel.hasRoom
        default: false
        }
    }

    /// Takes in every result that has arrived.
    mutating func receive() {
        if end == nil, flights.first?.scriptPhase != nil { receiveScript() }
        while end == nil, let expectation = expected.first {
            guard !isPaused else { return }
            guard !handle.isBusy else { return putRows(evenFew: true) }
            if let result = handle.nextResult() {
                take(result, for: expectation)
            } else if case .sync = expectation {
                fail(PostgresError(.protocolViolation, "libpq lost count of the pipeline"), isDefinite: false)
            } else {
                expected.removeFirst()
            }
        }
    }

    private mutating func take(_ result: ResultHandle, for expectation: Expectation) {
        switch result.status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: succeeded(result, expectation)
        case PGRES_SINGLE_TUPLE:
            guard flights[0].stop == nil else { return }
            flights[0].rows.append(PostgresRow(result: result, index: 0))
            putRows(evenFew: false)
        case PGRES_PIPELINE_SYNC: synced(expectation)
        case PGRES_PIPELINE_ABORTED:
            if case .prepare(let key) = expectation { cache.notPrepared(key) }
        case PGRES_FATAL_ERROR: failed(result.makeError(), expectation)
        default:
            // COPY, which libpq can't take back out of a pipeline.
            fail(PostgresError(.usage, "this statement can't be pipelined: use copyIn or copyOut"), isDefinite: false)
        }
    }

    private mutating func succeeded(_ result: ResultHandle, _ expectation: Expectation) {
        switch expectation {
        case .prepare(let key): cache.prepared(key)
        case .statement(let index): flights[0].results[index] = .success(PostgresRows(result))
        case .control, .sync, .upkeep, .upkeepSync: break
        }
    }

    private mutating func failed(_ error: PostgresError, _ expectation: Expectation) {
        if error.severity == "FATAL" || error.severity == "PANIC" {
            // The server ended the connection of its own will: what it had not committed, it has rolled back.
            let lost = PostgresError(.connectionLost, error.message, report: error.report)
            if case .sync = expectation { settleIfCommitted() }
            return fail(lost, isDefinite: true)
        }
        if handle.isBad { return fail(handle.lostError(), isDefinite: false) }
        // The server takes no writes any more: another address, or another server behind this one, may.
        if error.sqlState == PostgresError.SQLState.readOnlyTransaction { mailbox.close() }
        switch expectation {
        case .prepare(let key):
            cache.notPrepared(key)
            // What it was for is expected next, and will be skipped.
            if expected.count > 1, case .statement(let index) = expected[1] { setFailure(error, of: index) }
        case .statement(let index): setFailure(error, of: index)
        case .control:
            if flights[0].failure == nil { flights[0].failure = error.about(flights[0].request.name) }
        case .sync: failedAtSync(error)
        case .upkeep, .upkeepSync: break
        }
    }

    /// A COMMIT that was answered has happened, although the end of its request was not read any more.
    private mutating func settleIfCommitted() {
        guard var flight = flights.first, flight.firstError == nil else { return }
        switch flight.request.kind {
        case .transaction, .control:
            flights.removeFirst()
            mailbox.outstanding.subtract(1, ordering: .relaxed)
            flight.settle(Outcome(results: flight.results))
        default: break
        }
    }

    /// The implicit commit failed: a deferred constraint, a serialization failure.
    ///
    /// libpq 15 takes such an error for the answer to the sync, meets the real answer one place too late, and from then
    /// on gives each answer to the wrong request. So the connection ends here; what was sent behind may yet be run.
    private mutating func failedAtSync(_ error: PostgresError) {
        guard var flight = flights.popFirst() else { return }
        mailbox.outstanding.subtract(1, ordering: .relaxed)
        let reason = "given up after the commit of a neighbouring statement failed: \(error.sqlState ?? "")"
        fail(PostgresError(.connectionLost, reason), isDefinite: false)
        flight.settle(Outcome(failure: error.about(flight.request.name)))
    }

    private mutating func setFailure(_ error: PostgresError, of index: Int) {
        let statements = flights[0].request.statements
        let name = statements.indices.contains(index) ? statements[index].name : flights[0].request.name
        flights[0].results[index] = .failure(error.about(name))
    }

    /// Everything up to here has been answered and, where it succeeded, committed.
    private mutating func synced(_ expectation: Expectation) {
        expected.removeFirst()
        switch expectation {
        case .upkeepSync: break
        case .sync:
            if expected.isEmpty { noteTransaction() }
            if case .transaction = flights[0].request.kind, isInTransaction, !flights[0].isRollingBack {
                flights[0].isRollingBack = true
                if !(control("ROLLBACK") && sync()) { fail(handle.lostError(), isDefinite: false) }
            } else {
                finishFirst()
            }
        default:
            fail(PostgresError(.protocolViolation, "libpq lost count of the pipeline"), isDefinite: false)
        }
    }

    mutating func noteTransaction() {
        let isNowInTransaction = handle.isInTransaction
        guard isNowInTransaction != isInTransaction else { return }
        isInTransaction = isNowInTransaction
        mailbox.setInTransaction(isInTransaction)
    }

    mutating func putRows(evenFew: Bool) {
        guard let flight = flights.first, case .stream(_, let channel, let chunkRows) = flight.request.kind,
            !flight.rows.isEmpty, flight.rows.count >= chunkRows || (evenFew && channel.isReaderWaiting)
        else { return }
        channel.put(flight.rows)
        flights[0].rows.removeAll(keepingCapacity: true)
    }

    /// Answers the first flight, whose end has come, or sends it again where that is the better answer.
    mutating func finishFirst() {
        var flight = flights.removeFirst()
        let isOutdated = forgetOutdated(flight)
        if mayRepeat(flight, isOutdated: isOutdated) {
            var request = flight.request
            request.attempts += 1
            return waiting.prepend(request)
        }
        mailbox.outstanding.subtract(1, ordering: .relaxed)
        var outcome = Outcome(results: flight.results, failure: flight.failure)
        if let stop = flight.stop, flight.firstError?.sqlState == PostgresError.SQLState.queryCanceled {
            outcome = Outcome(failure: stopError(stop, flight.request, mayHaveHappened: false))
        }
        if case .stream(_, let channel, _) = flight.request.kind {
            if !flight.rows.isEmpty { channel.put(flight.rows) }
            channel.finish(outcome.failure ?? flight.firstError)
        }
        // Before the answer: who has it may send what comes next at once, and that is not to land in the transaction.
        if isInTransaction, flights.isEmpty, case .shared = role {
            fail(PostgresError(.usage, "a statement left a transaction open on a shared connection"), isDefinite: true)
        }
        flight.settle(outcome)
    }

    /// It failed, but through no fault of its own: a cancellation meant for a neighbour hit it, or a prepared statement
    /// is out of date. Nothing of it has happened.
    private func mayRepeat(_ flight: Flight, isOutdated: Bool) -> Bool {
        guard let error = flight.firstError, flight.stop == nil, !flight.isSettled, flight.request.isRepeatable,
            flight.request.attempts < 3
        else { return false }
        if error.sqlState == PostgresError.SQLState.queryCanceled { return flight.wasExposedToCancel }
        // `cached plan must not change result type` shares its state with errors that stay.
        return isOutdated && flight.request.attempts == 0
    }

    /// Forgets prepared statements that the server disowns, also where the request itself can't be sent again.
    private mutating func forgetOutdated(_ flight: Flight) -> Bool {
        switch flight.firstError?.sqlState {
        case PostgresError.SQLState.unknownPreparedStatement, PostgresError.SQLState.featureNotSupported:
            for key in flight.keys { cache.forget(key) }
            return !flight.keys.isEmpty
        default: return false
        }
    }
}
