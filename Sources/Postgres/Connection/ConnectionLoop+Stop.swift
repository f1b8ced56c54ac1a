import ClientSupport
import DequeModule
import Logging
import Synchronization

extension ConnectionLoop {
    /// Takes a request back, or has the server cancel it once it is its turn.
    mutating func stop(_ id: RequestID, _ reason: StopReason) {
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            let request = waiting.remove(at: index)
            finish(request, stopError(reason, request, mayHaveHappened: false))
        } else if let index = flights.firstIndex(where: { $0.request.id == id }), flights[index].stop == nil {
            stopFlight(at: index, reason)
        }
    }

    private mutating func stopFlight(at index: Int, _ reason: StopReason) {
        let answerBy = ContinuousClock.now.advanced(by: cancellationGrace)
        flights[index].stop = reason
        flights[index].answerBy = answerBy
        wakeAt(answerBy)
        let error = stopError(reason, flights[index].request, mayHaveHappened: true)
        switch flights[index].request.kind {
        case .stream(_, let channel, _): channel.cut(error)
        case .script(_, .output(let channel)): channel.cut(error)
        default: break
        }
    }

    /// Has the server cancel the first flight, the one that it works on, if that is to stop.
    mutating func sendCancelIfWanted() {
        guard end == nil, !isCancelling, let first = flights.first, first.stop != nil, !first.isCancelSent,
            first.isFlushed
        else { return }
        let due = ContinuousClock.now.advanced(by: cancellationGrace)
        cancelTakenBy = due
        flights[0].isCancelSent = true
        flights[0].giveUpAt = flights[0].giveUpAt ?? due
        wakeAt(due)
        for index in flights.indices { flights[index].wasExposedToCancel = true }
        canceller.send { [mailbox] failure in
            // A connection that has ended meanwhile needs no answer.
            _ = mailbox.send(.cancelSent(failure: failure))
        }
    }

    mutating func cancelSent(failure: String?) {
        cancelTakenBy = nil
        if let failure {
            logger.debug("PostgreSQL could not be asked to cancel", metadata: ["error": "\(failure)"])
        }
        guard flights.first?.isCancelSent == true else { return }
        let again = ContinuousClock.now.advanced(by: Self.cancelRepeat)
        repeatCancelAt = again
        wakeAt(again)
    }

    /// Handles what is due, and finds out when the next thing is.
    mutating func checkTimer() {
        guard let due = timer, ContinuousClock.now >= due else { return }
        let now = ContinuousClock.now
        timer = nil
        if let again = repeatCancelAt {
            if again <= now {
                repeatCancelAt = nil
                if !flights.isEmpty { flights[0].isCancelSent = false }
            } else {
                wakeAt(again)
            }
        }
        while let index = waiting.firstIndex(where: { $0.deadline.instant <= now }) {
            let request = waiting.remove(at: index)
            finish(request, stopError(.deadline, request, mayHaveHappened: false))
        }
        for request in waiting { wakeAt(request.deadline.instant) }
        for index in flights.indices { checkFlight(at: index, now: now) }
        if let first = flights.first, first.mustGiveUp(at: now) { return giveUp() }
        if let due = cancelTakenBy {
            guard due <= now else { return wakeAt(due) }
            // libpq waits for that without a limit.
            fail(PostgresError(.connectionLost, "given up: the server took no cancellation"), isDefinite: false)
        }
    }

    /// The first flight was to stop and did not: its connection goes with it.
    private mutating func giveUp() {
        guard var flight = flights.popFirst() else { return }
        mailbox.outstanding.subtract(1, ordering: .relaxed)
        // The connection ends first: an answer gives it back to its pool.
        let reason = "given up: a cancelled statement did not end within \(cancellationGrace)"
        fail(PostgresError(.connectionLost, reason), isDefinite: false)
        let error = stopError(flight.stop ?? .deadline, flight.request, mayHaveHappened: flight.mayHaveTakenEffect)
        flight.settle(Outcome(failure: error))
    }

    private mutating func checkFlight(at index: Int, now: ContinuousClock.Instant) {
        if let giveUpAt = flights[index].giveUpAt {
            if giveUpAt > now { wakeAt(giveUpAt) }
        } else if let answerBy = flights[index].answerBy, let reason = flights[index].stop {
            guard answerBy <= now else { return wakeAt(answerBy) }
            // Its turn has not come: it leaves an empty seat, which is cancelled when it does.
            let error = stopError(reason, flights[index].request, mayHaveHappened: flights[index].mayHaveTakenEffect)
            flights[index].settle(Outcome(failure: error))
        } else if flights[index].request.deadline.instant <= now {
            stopFlight(at: index, .deadline)
        } else {
            wakeAt(flights[index].request.deadline.instant)
        }
    }

    func stopError(_ reason: StopReason, _ request: Request, mayHaveHappened: Bool) -> PostgresError {
        switch reason {
        case .deadline:
            PostgresError(
                .deadlineExceeded, "the deadline passed", statementName: request.name,
                mayHaveHappened: mayHaveHappened)
        case .cancelled, .abandoned:
            PostgresError(
                .cancelled, "cancelled", statementName: request.name, mayHaveHappened: mayHaveHappened)
        }
    }
}

extension Flight {
    /// The first flight takes its connection with it: cancelled it did not end, or the server does not even take it in.
    fileprivate func mustGiveUp(at now: ContinuousClock.Instant) -> Bool {
        if let giveUpAt { return giveUpAt <= now }
        return !isFlushed && answerBy.map { $0 <= now } ?? false
    }
}
