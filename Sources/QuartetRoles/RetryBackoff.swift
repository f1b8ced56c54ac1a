package import ClientSupport
package import Logging

/// How a role's loop meets errors: it says each new one once, waits longer each time, and says when it is over.
package struct RetryBackoff {
    private let backoff: Backoff
    private let logger: Logger
    private var failuresInRow = 0
    private var lastMessage = ""

    package init(backoff: Backoff = Backoff(base: .milliseconds(50), max: .seconds(2)), logger: Logger) {
        self.backoff = backoff
        self.logger = logger
    }

    /// The delay before the next try.
    package mutating func failed(_ what: String, _ error: any Error) -> Duration {
        let message = "\(error)"
        if message != lastMessage {
            logger.warning("\(what) failed, trying again", metadata: ["error": "\(message)"])
            lastMessage = message
        }
        defer { failuresInRow += 1 }
        return backoff.delay(attempt: failuresInRow)
    }

    package mutating func succeeded(_ what: String) {
        guard failuresInRow > 0 else { return }
        logger.notice("\(what) works again", metadata: ["failures": "\(failuresInRow)"])
        failuresInRow = 0
        lastMessage = ""
    }
}
