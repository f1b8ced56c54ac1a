import ClientSupport
import Logging
import Synchronization

/// One connection to the server, worked by a thread of its own. Requests of any number of callers travel on it
/// together; each caller waits for its own answer only.
final class PostgresConnection: PooledConnection {
    let mailbox: Mailbox
    private let requestsMax: Int

    /// - Throws: `connectFailed`.
    static func connect(_ plan: ConnectionPlan) async throws(PostgresError) -> PostgresConnection {
        let mailbox = try Mailbox()
        try await ConnectionThread.start(plan, mailbox: mailbox)
        return PostgresConnection(mailbox: mailbox, requestsMax: plan.configuration.waitingMax)
    }

    private init(mailbox: Mailbox, requestsMax: Int) {
        self.mailbox = mailbox
        self.requestsMax = requestsMax
    }

    deinit {
        mailbox.close()
    }

    var isUsable: Bool { mailbox.isUsable }
    var isOpen: Bool { mailbox.isOpen }

    var isPooled: Bool { mailbox.isPooled }

    /// Requests that have no answer yet.
    var outstanding: Int { mailbox.outstanding.load(ordering: .relaxed) }

    /// Takes no more requests and ends once those it has are answered.
    func close() async {
        mailbox.close()
    }

    /// Sends a request and waits for its outcome. Cancelling the caller cancels the request, at the server if need be.
    ///
    /// `isShielded`: what must be sent although the caller was cancelled.
    func perform(
        _ kind: Request.Kind, deadline: Deadline, isRepeatable: Bool = false, isShielded: Bool = false
    ) async -> Outcome {
        let id = mailbox.makeID()
        let isCancellable = !isShielded
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                submit(
                    Request(
                        id: id, kind: kind, deadline: deadline, isRepeatable: isRepeatable,
                        reply: .one(continuation)))
                // The handler may have run before there was anything to stop.
                if isCancellable, Task.isCancelled { stop(id, .cancelled) }
            }
        } onCancel: {
            if isCancellable { stop(id, .cancelled) }
        }
    }

    /// Sends statements that have nothing to do with each other, all at once.
    func performIndependent(
        _ statements: [PostgresStatement], deadline: Deadline, isRepeatable: Bool
    ) async -> [Outcome] {
        guard !statements.isEmpty else { return [] }
        let ids = statements.map { _ in mailbox.makeID() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let gathering = OutcomeGathering(count: statements.count, continuation: continuation)
                for (index, statement) in statements.enumerated() {
                    submit(
                        Request(
                            id: ids[index], kind: .statement(statement), deadline: deadline,
                            isRepeatable: isRepeatable, reply: .gathered(gathering, index: index)))
                }
                if Task.isCancelled { stop(ids, .cancelled) }
            }
        } onCancel: {
            stop(ids, .cancelled)
        }
    }

    /// Hands in a request without waiting; its answer, also one of refusal, goes to its reply.
    func submit(_ request: Request) {
        guard mailbox.outstanding.add(1, ordering: .relaxed).newValue <= requestsMax else {
            mailbox.outstanding.subtract(1, ordering: .relaxed)
            return request.fail(
                PostgresError(
                    .overloaded, "\(requestsMax) statements wait on this connection already",
                    statementName: request.name))
        }
        if let end = mailbox.send(.submit(request)) {
            mailbox.outstanding.subtract(1, ordering: .relaxed)
            request.fail(end.about(request.name))
        }
    }

    func stop(_ id: RequestID, _ reason: StopReason) {
        // A connection that has ended has answered everyone.
        _ = mailbox.send(.stop(id, reason))
    }

    private func stop(_ ids: [RequestID], _ reason: StopReason) {
        for id in ids { stop(id, reason) }
    }
}
