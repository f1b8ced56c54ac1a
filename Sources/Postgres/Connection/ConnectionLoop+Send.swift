import ClientSupport
import DequeModule

extension ConnectionLoop {
    /// There is a request to send and nothing speaks against it.
    var maySend: Bool {
        guard end == nil, !isUnflushed, !isCancelling, let next = waiting.first else { return false }
        // Answers to the connection's own statements may still be on their way.
        guard let last = flights.last else { return !next.needsConnectionAlone || expected.isEmpty }
        return flights.count < flightsMax && !last.request.needsConnectionAlone && !next.needsConnectionAlone
    }

    mutating func sendWaiting() {
        while maySend {
            let request = waiting.removeFirst()
            guard !request.deadline.isPast else {
                finish(request, stopError(.deadline, request, mayHaveHappened: false))
                continue
            }
            if !request.needsConnectionAlone { sendUpkeep() }
            if let end { return finish(request, end.about(request.name)) }
            if !begin(request), end == nil { fail(handle.lostError(), isDefinite: false) }
            // At once, so that what has left is known to have left, whatever the next one has to wait for.
            flush()
        }
    }

    /// False if the connection did not take it.
    private mutating func begin(_ request: Request) -> Bool {
        if let problem = request.statements.lazy.compactMap(\.parameters.problem).first {
            finish(request, PostgresError(.usage, problem, statementName: request.name))
            return true
        }
        flights.append(Flight(request))
        switch request.kind {
        case .statement(let statement):
            return sendPrelude() && send([statement], of: request) && sync()
        case .atomic(let statements):
            return sendPrelude() && send(statements, of: request) && sync()
        case .transaction(let begin, let statements):
            return control(begin) && sendPrelude() && send(statements, of: request) && control("COMMIT") && sync()
        case .control(let sql):
            flights[flights.count - 1].results = [.failure(Self.skipped)]
            expected.append(.statement(0))
            let isBegin = sql.hasPrefix("BEGIN")
            return handle.sendOnce(PostgresStatement(sql)) && (!isBegin || sendPrelude()) && sync()
        case .stream(let statement, _, _):
            flights[flights.count - 1].results = [.failure(Self.skipped)]
            expected.append(.statement(0))
            return handle.sendOnce(statement) && sync() && handle.askForSingleRows()
        case .script(let sql, _):
            flights[flights.count - 1].scriptPhase = .running
            return handle.leavePipelineMode() && handle.sendScript(sql)
        }
    }

    private mutating func send(_ statements: [PostgresStatement], of request: Request) -> Bool {
        let last = flights.count - 1
        flights[last].results = Array(repeating: .failure(Self.skipped), count: statements.count)
        for (index, statement) in statements.enumerated() {
            let key = StatementCache.Key(sql: statement.sql, types: statement.parameters.types)
            let isSent: Bool
            switch cache.use(key, by: request.id) {
            case .once: isSent = handle.sendOnce(statement)
            case .prepared(let name):
                flights[last].keys.append(key)
                isSent = handle.sendPrepared(name, statement.parameters)
            case .prepare(let name):
                flights[last].keys.append(key)
                expected.append(.prepare(key))
                isSent = handle.sendPrepare(name, statement) && handle.sendPrepared(name, statement.parameters)
            }
            expected.append(.statement(index))
            guard isSent else { return false }
        }
        return true
    }

    mutating func control(_ sql: String) -> Bool {
        expected.append(.control)
        return handle.sendOnce(PostgresStatement(sql))
    }

    private mutating func sendPrelude() -> Bool {
        guard let prelude, !isInTransaction else { return true }
        expected.append(.control)
        return handle.sendOnce(prelude)
    }

    mutating func sync() -> Bool {
        expected.append(.sync)
        return handle.sendSync()
    }

    /// Lets the server forget statements that fell out of the cache, where no transaction can be in its way.
    private mutating func sendUpkeep() {
        guard !cache.dropped.isEmpty else { return }
        if case .shared = role {} else if !flights.isEmpty || isInTransaction { return }
        for name in cache.takeDropped() {
            expected.append(.upkeep)
            expected.append(.upkeepSync)
            guard handle.sendOnce(PostgresStatement("DEALLOCATE \(name)")), handle.sendSync() else {
                return fail(handle.lostError(), isDefinite: false)
            }
        }
    }

    static var skipped: PostgresError {
        PostgresError(.skipped, "not run: an earlier statement of its transaction failed")
    }
}
