import ClientSupport
import Foundation
import Logging

/// Starts a connection's thread: it connects, says how that went, and works until the connection ends.
enum ConnectionThread {
    static func start(
        _ configuration: PostgresConfiguration, role: ConnectionRole, mailbox: Mailbox, logger: Logger
    ) async throws(PostgresError) {
        let result: Result<Void, PostgresError> = await withCheckedContinuation { continuation in
            let thread = Thread {
                run(configuration, role: role, mailbox: mailbox, logger: logger) { continuation.resume(returning: $0) }
            }
            thread.name = "postgres"
            thread.stackSize = 1 << 20
            thread.start()
        }
        try result.get()
    }

    private static func run(
        _ configuration: PostgresConfiguration, role: ConnectionRole, mailbox: Mailbox, logger: Logger,
        connected: (Result<Void, PostgresError>) -> Void
    ) {
        var loop: ConnectionLoop
        do {
            loop = try connect(configuration, role: role, mailbox: mailbox, logger: logger)
        } catch {
            _ = mailbox.end(error)
            return connected(.failure(error))
        }
        connected(.success(()))
        loop.run()
    }

    private static func connect(
        _ configuration: PostgresConfiguration, role: ConnectionRole, mailbox: Mailbox, logger: Logger
    ) throws(PostgresError) -> ConnectionLoop {
        let deadline = Deadline.after(configuration.connectTimeout)
        var handle = try ConnectionHandle.connecting(configuration, logger: logger)
        // As libpq wants it: the first time wait as if it had asked to write.
        var events = Int16(POLLOUT)
        while true {
            var descriptor = pollfd(fd: handle.socket, events: events, revents: 0)
            let ready = poll(&descriptor, 1, deadline.remainingMilliseconds)
            guard ready != 0, !deadline.isPast else {
                throw PostgresError(
                    .connectFailed,
                    "no answer from \(configuration.endpoint) within \(configuration.connectTimeout)")
            }
            switch try handle.continueConnecting() {
            case .waitToRead: events = Int16(POLLIN)
            case .waitToWrite: events = Int16(POLLOUT)
            case .connected:
                let canceller = try handle.prepareForPipelining()
                return ConnectionLoop(
                    handle, canceller: canceller, mailbox: mailbox, role: role, configuration: configuration,
                    logger: logger)
            }
        }
    }
}
