import ClientSupport
import DequeModule
import Foundation
import Logging
import Synchronization

/// What a connection is for.
enum ConnectionRole: Sendable {
    /// One caller at a time, who may open transactions.
    case exclusive
    /// Single statements of many callers.
    case shared
    case listener(NotificationBuffer)
}

/// One connection's thread: sends what the mailbox brings, in pipeline mode, and hands out what comes back.
///
/// Requests are answered in the order in which they were sent, so the first flight is always the one that the server is
/// busy with. Everything here happens on one thread and never blocks but in `poll`.
struct ConnectionLoop: ~Copyable {
    /// Requests that may be on the way at once; more wait here, where they can still be taken back.
    let flightsMax: Int
    /// A cancellation that arrives before its statement is lost, so it is repeated.
    static let cancelRepeat: Duration = .milliseconds(200)

    var handle: ConnectionHandle
    let canceller: Canceller
    let mailbox: Mailbox
    let role: ConnectionRole
    let cancellationGrace: Duration
    let logger: Logger

    var cache: StatementCache
    /// What each transaction begins with.
    let prelude: PostgresStatement?
    var waiting = Deque<Request>()
    var flights = Deque<Flight>()
    var expected = Deque<Expectation>()

    /// libpq holds bytes that the socket did not take yet.
    var isUnflushed = false
    /// When the server must have taken the cancellation that is on its way; until it has, nothing is sent that it could hit
    /// by mistake.
    var cancelTakenBy: ContinuousClock.Instant?
    var isCancelling: Bool { cancelTakenBy != nil }
    var repeatCancelAt: ContinuousClock.Instant?
    /// The earliest instant at which something may be due.
    var timer: ContinuousClock.Instant?
    var isInTransaction = false
    var isClosing = false
    /// Why the connection has ended.
    var end: PostgresError?

    init(
        _ handle: consuming ConnectionHandle, canceller: Canceller, mailbox: Mailbox, plan: ConnectionPlan,
        isPooled: Bool
    ) {
        self.handle = handle
        self.canceller = canceller
        self.mailbox = mailbox
        role = plan.role
        cancellationGrace = plan.configuration.cancellationGrace
        // The next transaction may be another server's session, which does not know what this one has prepared.
        cache = StatementCache(capacity: isPooled ? 0 : plan.configuration.statementCacheSize)
        // PgBouncer before 1.21 takes the first answer for all, and gives the rest to whoever comes next.
        flightsMax = isPooled ? 1 : 256
        prelude = isPooled ? SessionSettings.local(plan.configuration.sessionSettings) : nil
        logger = plan.logger
    }

    /// Works until the connection is closed or lost.
    mutating func run() {
        var commands: [Command] = []
        while end == nil {
            mailbox.take(into: &commands)
            for command in commands { obey(command) }
            checkTimer()
            flush()
            receive()
            let wasUnflushed = isUnflushed
            repeat {
                sendWaiting()
                flush()
            } while maySend
            // A COPY FROM left its piece for when there is room: nobody wakes the thread for that again.
            if wasUnflushed, !isUnflushed { continue }
            sendCancelIfWanted()
            mailbox.setFront(flights.first?.request.id)
            guard end == nil else { break }
            if isClosing, waiting.isEmpty, flights.isEmpty {
                fail(PostgresError(.closed, "the connection is closed"), isDefinite: true)
            } else {
                waitForEvents()
            }
        }
    }

    private mutating func obey(_ command: Command) {
        switch command {
        case .submit(let request):
            if isClosing {
                finish(request, PostgresError(.closed, "the connection is closing", statementName: request.name))
            } else {
                wakeAt(request.deadline.instant)
                waiting.append(request)
            }
        case .stop(let id, let reason): stop(id, reason)
        case .cancelSent(let failure): cancelSent(failure: failure)
        case .close: isClosing = true
        }
    }

    /// Sleeps until the socket, the mailbox or the timer has something.
    private mutating func waitForEvents() {
        let mayRead = !isPaused
        var descriptors = [
            pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
            // A negative descriptor is left out: a paused stream's socket may have hung up, which would end each poll.
            pollfd(
                fd: mayRead || isUnflushed ? handle.socket : -1,
                events: Int16((mayRead ? POLLIN : 0) | (isUnflushed ? POLLOUT : 0)), revents: 0),
        ]
        var timeout: Int32 = 0
        if mailbox.fallAsleep() { timeout = timer.map { Deadline($0).remainingMilliseconds } ?? -1 }
        let ready = poll(&descriptors, nfds_t(descriptors.count), timeout)
        mailbox.wakeUp(wasSignalled: ready > 0 && descriptors[0].revents != 0)
        guard ready > 0, descriptors[1].revents != 0 else { return }
        if mayRead, descriptors[1].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { read() }
    }

    private mutating func read() {
        let isAlive = handle.consumeInput()
        if case .listener(let buffer) = role {
            while let notification = handle.nextNotification() {
                buffer.put(channel: notification.channel, payload: notification.payload)
            }
        }
        guard !isAlive else { return }
        // What arrived before the end is still to be answered.
        let error = handle.lostError()
        receive()
        if end == nil { fail(error, isDefinite: false) }
    }

    mutating func flush() {
        guard end == nil else { return }
        switch handle.flush() {
        case .pending: isUnflushed = true
        case .failed: fail(handle.lostError(), isDefinite: false)
        case .done:
            isUnflushed = false
            for index in flights.indices.reversed() {
                guard !flights[index].isFlushed else { break }
                flights[index].isFlushed = true
            }
        }
    }

    mutating func wakeAt(_ instant: ContinuousClock.Instant) {
        if let timer, timer <= instant { return }
        timer = instant
    }

    func finish(_ request: Request, _ error: PostgresError) {
        mailbox.outstanding.subtract(1, ordering: .relaxed)
        request.fail(error)
    }

    /// Ends the connection and answers everyone. `isDefinite`: the server has said that it did not carry on.
    mutating func fail(_ error: PostgresError, isDefinite: Bool) {
        guard end == nil else { return }
        end = error
        let unread = mailbox.end(error)
        while var flight = flights.popFirst() {
            mailbox.outstanding.subtract(1, ordering: .relaxed)
            let mayHaveHappened = flight.mayHaveTakenEffect && !isDefinite
            flight.settle(Outcome(failure: error.about(flight.request.name, mayHaveHappened: mayHaveHappened)))
        }
        while let request = waiting.popFirst() {
            finish(request, error.about(request.name, mayHaveHappened: false))
        }
        for case .submit(let request) in unread {
            finish(request, error.about(request.name, mayHaveHappened: false))
        }
        if case .listener(let buffer) = role { buffer.connectionEnded() }
        if error.code != .closed { logger.info("PostgreSQL connection ended", metadata: ["error": "\(error)"]) }
    }
}
