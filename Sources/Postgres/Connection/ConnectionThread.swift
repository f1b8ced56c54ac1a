import ClientSupport
import Foundation
import Logging

/// Starts a connection's thread: it connects, says how that went, and works until the connection ends.
enum ConnectionThread {
    static func start(_ plan: ConnectionPlan, mailbox: Mailbox) async throws(PostgresError) {
        let result: Result<Void, PostgresError> = await withCheckedContinuation { continuation in
            let thread = Thread {
                run(plan, mailbox: mailbox) { continuation.resume(returning: $0) }
            }
            thread.name = "postgres"
            thread.stackSize = 1 << 20
            thread.start()
        }
        try result.get()
    }

    private static func run(
        _ plan: ConnectionPlan, mailbox: Mailbox, connected: (Result<Void, PostgresError>) -> Void
    ) {
        var loop: ConnectionLoop
        do {
            loop = try connect(plan, mailbox: mailbox)
        } catch {
            _ = mailbox.end(error)
            return connected(.failure(error))
        }
        connected(.success(()))
        loop.run()
    }

    /// Tries one address after the other, each for a time of its own.
    private static func connect(_ plan: ConnectionPlan, mailbox: Mailbox) throws(PostgresError) -> ConnectionLoop {
        let target = plan.configuration.target
        let addresses = plan.addresses.addresses(of: target)
        let timeout = AddressBook.timeout(
            of: target, count: addresses.count, whole: plan.configuration.connectTimeout)
        guard !addresses.isEmpty else {
            return try connect(plan, to: nil, within: timeout, mailbox: mailbox)
        }
        var errors: [PostgresError] = []
        for address in addresses {
            do {
                let loop = try connect(plan, to: address, within: timeout, mailbox: mailbox)
                plan.addresses.served(address)
                return loop
            } catch {
                errors.append(error)
            }
        }
        throw PostgresError.joined(errors)
    }

    private static func connect(
        _ plan: ConnectionPlan, to address: ServerAddress?, within timeout: Duration, mailbox: Mailbox
    ) throws(PostgresError) -> ConnectionLoop {
        let deadline = Deadline.after(timeout)
        var handle = try ConnectionHandle.connecting(plan.configuration, to: address, logger: plan.logger)
        func silence() -> PostgresError {
            let place = address.map { "\($0.host)" } ?? plan.configuration.endpoint
            return PostgresError(.connectFailed, "no answer from \(place) within \(timeout)")
        }
        // As libpq wants it: the first time wait as if it had asked to write.
        var events = Int16(POLLOUT)
        while true {
            var descriptor = pollfd(fd: handle.socket, events: events, revents: 0)
            let ready = poll(&descriptor, 1, deadline.remainingMilliseconds)
            guard ready != 0, !deadline.isPast else { throw silence() }
            switch try handle.continueConnecting() {
            case .waitToRead: events = Int16(POLLIN)
            case .waitToWrite: events = Int16(POLLOUT)
            case .connected:
                guard let isPooled = try greet(&handle, plan, deadline: deadline) else { throw silence() }
                if isPooled { plan.notePool() }
                mailbox.isPooled = isPooled
                let canceller = try handle.prepareForPipelining()
                return ConnectionLoop(handle, canceller: canceller, mailbox: mailbox, plan: plan, isPooled: isPooled)
            }
        }
    }

    /// Gives the session its settings, and finds out whether it is with the server itself; nil if no answer comes in time.
    private static func greet(
        _ handle: inout ConnectionHandle, _ plan: ConnectionPlan, deadline: Deadline
    ) throws(PostgresError) -> Bool? {
        let pooling = plan.configuration.pooling
        guard pooling != .transaction else { return true }
        let settings = plan.configuration.sessionSettings
        guard pooling == .auto || !settings.isEmpty else { return false }
        // A pool has given a process number of its own. Its server's sessions are not to be left with settings.
        let isDirect = pooling == .auto ? "pg_backend_pid() = \(handle.serverProcess)" : "true"
        let changes = SessionSettings.calls(settings, isLocal: false).map { ", CASE WHEN \(isDirect) THEN \($0) END" }
        guard handle.sendOnce(PostgresStatement("SELECT \(isDirect)\(changes.joined())")) else {
            throw handle.greetingError()
        }
        var isPooled: Bool?
        while true {
            let isUnflushed = handle.flush() == .pending
            if !handle.isBusy {
                guard let result = handle.nextResult() else { return isPooled }
                guard result.rowCount == 1 else { throw result.makeError().refusingGreeting }
                isPooled = try !PostgresRow(result: result, index: 0).decode(0, as: Bool.self)
                continue
            }
            var descriptor = pollfd(
                fd: handle.socket, events: Int16(isUnflushed ? POLLIN | POLLOUT : POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, deadline.remainingMilliseconds)
            guard ready != 0, !deadline.isPast else { return nil }
            guard handle.consumeInput() else { throw handle.greetingError() }
        }
    }
}

/// What each connection of a client begins with.
struct ConnectionPlan: Sendable {
    let configuration: PostgresConfiguration
    let role: ConnectionRole
    let addresses: AddressBook
    let logger: Logger

    /// Says once that a pool was found.
    func notePool() {
        guard addresses.notePool() else { return }
        logger.notice(
            "a connection pool is between this process and PostgreSQL: nothing is kept in sessions, and notifications are not heard",
            metadata: ["pooling": "\(configuration.pooling.rawValue)"])
    }
}

/// Server settings as calls within a statement.
enum SessionSettings {
    static func calls(_ settings: [(name: String, value: String)], isLocal: Bool) -> [String] {
        settings.map { "set_config('\(escaped($0.name))', '\(escaped($0.value))', \(isLocal))" }
    }

    /// A statement that sets them until the end of its transaction; nil for none.
    static func local(_ settings: [(name: String, value: String)]) -> PostgresStatement? {
        guard !settings.isEmpty else { return nil }
        return PostgresStatement("SELECT \(calls(settings, isLocal: true).joined(separator: ", "))", name: "settings")
    }

    private static func escaped(_ text: String) -> String { text.replacing("'", with: "''") }
}
