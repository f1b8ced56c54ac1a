import CLibPQ
import DequeModule

/// Statements outside pipeline mode: several as one text, and COPY.
extension ConnectionLoop {
    private static let copyBatchBytes = 65_536

    mutating func receiveScript() {
        while end == nil, let phase = flights.first?.scriptPhase {
            switch phase {
            case .running:
                guard !handle.isBusy else { return }
                takeScriptResult()
            case .copyingOut: guard copyOut() else { return }
            case .copyingIn: guard copyIn() else { return }
            }
        }
    }

    private mutating func takeScriptResult() {
        guard let result = handle.nextResult() else { return finishScript() }
        switch result.status {
        case PGRES_COPY_OUT: flights[0].scriptPhase = .copyingOut
        case PGRES_COPY_IN: flights[0].scriptPhase = .copyingIn
        case PGRES_FATAL_ERROR:
            let error = result.makeError()
            if error.severity == "FATAL" || error.severity == "PANIC" {
                fail(PostgresError(.connectionLost, error.message, report: error.report), isDefinite: false)
            } else if handle.isBad {
                fail(handle.lostError(), isDefinite: false)
            } else if flights[0].failure == nil {
                flights[0].failure = error
            }
        default: flights[0].results = [.success(PostgresRows(result))]
        }
    }

    private mutating func finishScript() {
        guard handle.enterPipelineMode() else { return fail(handle.lostError(), isDefinite: false) }
        noteTransaction()
        if case .script(_, let data) = flights[0].request.kind {
            let stop = flights[0].stop.map { stopError($0, flights[0].request, mayHaveHappened: false) }
            let error = flights[0].failure.map { failure in
                failure.sqlState == PostgresError.SQLState.queryCanceled ? stop ?? failure : failure
            }
            switch data {
            case .none: break
            case .output(let channel):
                if !flights[0].copied.isEmpty { channel.put(flights[0].copied) }
                channel.finish(error)
            case .input(let channel): channel.refuse()
            }
        }
        finishFirst()
    }

    /// True if the COPY TO is over; false if there is nothing to do for now.
    private mutating func copyOut() -> Bool {
        var channel: ByteChannel?
        if case .script(_, .output(let output)) = flights[0].request.kind { channel = output }
        while channel?.hasRoom ?? true {
            switch handle.copyRow(into: &flights[0].copied) {
            case .row:
                guard flights[0].copied.count >= Self.copyBatchBytes else { continue }
                channel?.put(flights[0].copied)
                flights[0].copied = []
            case .wait:
                if let channel, channel.isReaderWaiting, !flights[0].copied.isEmpty {
                    channel.put(flights[0].copied)
                    flights[0].copied = []
                }
                return false
            case .end, .failed:
                flights[0].scriptPhase = .running
                return true
            }
        }
        return false
    }

    /// True if the COPY FROM is over; false if there is nothing to do for now.
    private mutating func copyIn() -> Bool {
        guard case .script(_, .input(let channel)) = flights[0].request.kind, flights[0].stop == nil else {
            return endCopy(complaint: "cancelled")
        }
        while !isUnflushed, let piece = channel.piece {
            switch piece {
            case .end(let complaint):
                guard endCopy(complaint: complaint) else { return false }
                channel.taken()
                return true
            case .bytes(let bytes):
                switch handle.putCopy(bytes) {
                case .sent: channel.taken()
                case .wait: isUnflushed = true
                case .failed:
                    flights[0].scriptPhase = .running
                    return true
                }
                flush()
            }
        }
        return false
    }

    private mutating func endCopy(complaint: String?) -> Bool {
        switch handle.endCopy(complaint: complaint) {
        case .wait:
            isUnflushed = true
            return false
        case .sent, .failed:
            flights[0].scriptPhase = .running
            return true
        }
    }
}
