package import ClientSupport

/// How accounts are synced, with the bounds of it.
package struct SyncConfiguration: Sendable, Hashable {
    /// After a run ended, until the next; accounts may have their own.
    package var interval: Duration = .seconds(600)
    /// Between full passes, which find what is gone.
    package var fullInterval: Duration = .seconds(86_400)
    /// How often the role looks what is due.
    package var pollInterval: Duration = .seconds(5)
    /// Accounts that the role syncs at once.
    package var accountsMax = 4
    package var rowsPerPage = 500
    package var pageBytesMax = 16 * 1024 * 1024
    package var pagesMax = 1_000_000
    /// To each account; accounts may have their own.
    package var requestsPerSecond = 10
    package var requestTimeout: Duration = .seconds(30)
    package var triesMax = 5
    package var backoff = Backoff(base: .milliseconds(500), max: .seconds(30))
    /// How long a Retry-After is obeyed at most.
    package var retryAfterMax: Duration = .seconds(300)
    /// Until the pass of a process that died may be gone on with.
    package var leaseDuration: Duration = .seconds(30)
    package var logRetention: Duration = .seconds(30 * 86_400)

    package init() {}
}
