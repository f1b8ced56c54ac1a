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
/// Ends when the task that iterates is cancelled. Iteration throws only if connecting fails for a reason that stays: a
/// refused password, an unknown database.
package struct PostgresNotifications: AsyncSequence, Sendable {
    package typealias Element = PostgresEvent
    package typealias Failure = any Error

    let channels: [String]
    let configuration: PostgresConfiguration
    let logger: Logger

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

        package mutating func next() async throws -> PostgresEvent? {
            while !Task.isCancelled {
                guard let listener else {
                    guard let connected = try await sequence.connect() else { return nil }
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

    /// Tries until it listens; nil if cancelled meanwhile.
    private func connect() async throws -> Listener? {
        var attempt = 0
        while !Task.isCancelled {
            do {
                return try await connectOnce()
            } catch let error as PostgresError where error.isRetriable {
                let level: Logger.Level = attempt == 0 ? .info : .debug
                logger.log(level: level, "listening for notifications failed", metadata: ["error": "\(error)"])
            } catch is CancellationError {
                return nil
            }
            let next = ContinuousClock.now.advanced(by: configuration.backoff.delay(attempt: attempt))
            guard (try? await ContinuousClock().sleep(until: next)) != nil else { return nil }
            attempt += 1
        }
        return nil
    }

    private func connectOnce() async throws -> Listener {
        let buffer = NotificationBuffer(countMax: configuration.notificationsWaitingMax)
        let connection = try await PostgresConnection.connect(configuration, role: .listener(buffer), logger: logger)
        for channel in channels {
            let name = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            _ = try await connection.perform(
                .control("LISTEN \"\(name)\""), deadline: .after(configuration.connectTimeout)
            ).single()
        }
        return Listener(connection: connection, buffer: buffer)
    }
}

extension PostgresClient {
    /// The notifications of `channels` from when iteration begins.
    package func listen(to channels: [String]) -> PostgresNotifications {
        PostgresNotifications(channels: channels, configuration: configuration, logger: logger)
    }
}
