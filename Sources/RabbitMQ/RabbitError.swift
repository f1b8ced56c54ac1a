import ClientSupport

/// Why a call to RabbitMQ failed. `description` is one line without message contents or passwords.
package struct RabbitError: StoreFailure, Hashable {
    package enum Code: String, Sendable, Hashable {
        /// What was asked can't be sent, or an address can't be one.
        case invalid
        case closed, cancelled, deadlinePassed
        case connectFailed, connectionLost
        /// The server sent what is not AMQP, or more than it may.
        case protocolViolation
        /// User or password is wrong, or may not do this.
        case accessRefused
        /// There is no such virtual host, or it is not this user's.
        case noVirtualHost
        /// There is no such queue or exchange.
        case notFound
        /// A queue or exchange is there with other properties, or the server took a delivery's acknowledgement as late.
        case preconditionFailed
        case resourceLocked
        /// The server closed the channel or connection for another reason.
        case refused
        /// No queue is bound for a message that had to reach one.
        case unroutable
        /// The server could not take a message.
        case notTaken
        /// The server ended a consumer: its queue was deleted, or its node went.
        case consumerEnded
    }

    package let code: Code
    package let message: String
    /// AMQP's reply code; 0 where the server said none.
    package let replyCode: Int
    package let mayHaveHappened: Bool

    package init(_ code: Code, _ message: String, replyCode: Int = 0, mayHaveHappened: Bool = false) {
        self.code = code
        self.message = message
        self.replyCode = replyCode
        self.mayHaveHappened = mayHaveHappened
    }

    package var isRetriable: Bool {
        switch code {
        case .connectFailed, .connectionLost, .deadlinePassed, .notTaken, .consumerEnded, .unroutable, .resourceLocked,
            .protocolViolation, .refused:
            true
        case .invalid, .closed, .cancelled, .accessRefused, .noVirtualHost, .notFound, .preconditionFailed: false
        }
    }

    package var isUnavailable: Bool {
        switch code {
        case .connectFailed, .connectionLost, .deadlinePassed, .closed, .accessRefused, .noVirtualHost,
            .protocolViolation:
            true
        default: false
        }
    }

    package var description: String {
        "RabbitMQ: \(message)\(mayHaveHappened ? " (it may have happened)" : "")"
    }

    func happening(_ mayHaveHappened: Bool) -> RabbitError {
        RabbitError(code, message, replyCode: replyCode, mayHaveHappened: mayHaveHappened)
    }
}
