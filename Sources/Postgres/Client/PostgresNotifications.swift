import ClientSupport
import Logging

/// What a listener hears.
package enum PostgresEvent: Sendable, Hashable {
    /// It listens from now on.
    case connected
    /// It listens again. Notifications may have been missed: look at what they are about.
    case reconnected
    case notification(channel: String, payload: String)
}

/// The notifications of some channels, on a connection of its own that is made again whenever it is lost.
///
/// Ends when the task that iterates is cancelled, and not before.
package struct PostgresNotifications: AsyncSequence, Sendable {
    package typealias Element = PostgresEvent
    package typealias Failure = Never

    let channels: [String]
    let plan: ConnectionPlan
    let onFailure: @Sendable (any Error) -> Void
    private var logger: Logger { plan.logger }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(sequence: self)
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        private let sequence: PostgresNotifications
        private var listener: Listener?
        private var hasConnectedBefore = false

        init(sequence: PostgresNotifications) {
            self.sequence = sequence
        }

        package mutating func next() async -> PostgresEvent? {
            while !Task.isCancelled {
                guard let listener else {
                    guard let connected = await sequence.connect() else { return nil }
                    listener = connected
                    defer { hasConnectedBefore = true }
                    return hasConnectedBefore ? .reconnected : .connected
                }
                switch await listener.buffer.next() {
                case .notification(let channel, let payload):
                    return .notification(channel: channel, payload: payload)
                case .missed: return .reconnected
                case .connectionEnded: self.listener = nil
                case nil: return nil
                }
            }
            return nil
        }
    }

    struct Listener {
        /// Closes when nobody holds it any more.
        let connection: PostgresConnection
        let buffer: NotificationBuffer
    }

    /// Tries for as long as it takes, whatever is in the way: a password, a database or a pool may change. Nil if cancelled
    /// meanwhile.
    private func connect() async -> Listener? {
        var attempt = 0
        while !Task.isCancelled {
            do {
                return try await connectOnce()
            } catch {
                guard !(error is CancellationError) else { return nil }
                onFailure(error)
                // Said once for each time that it is lost: what asks for the bells looks without them meanwhile.
                let level: Logger.Level = attempt == 0 ? .warning : .debug
                logger.log(level: level, "notifications are not heard for now", metadata: ["error": "\(error)"])
            }
            let next = ContinuousClock.now.advanced(by: plan.configuration.backoff.delay(attempt: attempt))
            guard (try? await ContinuousClock().sleep(until: next)) != nil else { return nil }
            attempt += 1
        }
        return nil
    }

    private func connectOnce() async throws -> Listener {
        let buffer = NotificationBuffer(countMax: plan.configuration.notificationsWaitingMax)
        let connection = try await PostgresConnection.connect(
            ConnectionPlan(
                configuration: plan.configuration, role: .listener(buffer), addresses: plan.addresses, logger: logger))
        guard !connection.isPooled else {
            throw PostgresError(
                .configuration,
                "notifications can't pass a connection pool in transaction mode: new rows are polled for")
        }
        for channel in channels {
            let name = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            _ = try await connection.perform(
                .control("LISTEN \"\(name)\""), deadline: .after(plan.configuration.connectTimeout)
            ).single()
        }
        return Listener(connection: connection, buffer: buffer)
    }
}

extension PostgresClient {
    /// The notifications of `channels` from when iteration begins.
    ///
    /// - Parameter onFailure: called each time that connecting or listening fails; it is tried again.
    package func listen(
        to channels: [String], onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) -> PostgresNotifications {
        let plan = ConnectionPlan(
            configuration: configuration, role: .exclusive, addresses: addresses, logger: logger)
        return PostgresNotifications(channels: channels, plan: plan, onFailure: onFailure)
    }
}
