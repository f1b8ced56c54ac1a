import ClientSupport

/// When to connect again: for a while after an attempt failed, calls fail at once with what it met.
struct Redial {
    private let backoff: Backoff
    private var failures = 0
    private var failed: (error: RabbitError, until: Deadline)?

    init(_ backoff: Backoff) {
        self.backoff = backoff
    }

    /// - Throws: what the last attempt met, if it is too early for another.
    func check() throws(RabbitError) {
        if let failed, !failed.until.isPast { throw failed.error }
    }

    mutating func failed(_ error: RabbitError) {
        failed = (error.happening(false), .after(backoff.delay(attempt: failures)))
        failures += 1
    }

    mutating func succeeded() {
        failures = 0
        failed = nil
    }
}
