package import Logging
import Metrics
import QuartetRoles
import ServiceLifecycle

/// Tells watchers what became of their products. In any number of copies: each takes changes that nobody else has in hand.
package final class WatchNotesRole: Role {
    package let name = "watch_notes"
    private let configuration: WatchNotesConfiguration
    private let notes: WatchNotes
    private let logger: Logger
    private let made = Counter(label: "quartet_watch_notes_total")

    package init(configuration: WatchNotesConfiguration, notes: WatchNotes, logger: Logger) {
        (self.configuration, self.notes, self.logger) = (configuration, notes, logger)
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown { [self] in
            var backoff = RetryBackoff(logger: logger)
            while true {
                var pause = configuration.pollInterval
                do {
                    try await runOnce()
                    backoff.succeeded("telling watchers")
                } catch is CancellationError {
                    return
                } catch {
                    pause = backoff.failed("telling watchers", error)
                }
                try await ContinuousClock().sleep(until: .now.advanced(by: pause))
            }
        }
    }

    /// Tells all that there is to tell, a batch after the other, and removes what is too old; returns how many notes it made.
    @discardableResult
    package func runOnce() async throws -> Int {
        var total = 0
        while true {
            let told = try await notes.tell(watchersPerBatch: configuration.watchersPerBatchMax)
            guard told.changes > 0 else { break }
            made.increment(by: told.notes)
            total += told.notes
        }
        while try await notes.purge(olderThan: configuration.retention) == WatchNotes.notesPerPurge {}
        return total
    }
}
