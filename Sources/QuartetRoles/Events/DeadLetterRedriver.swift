import ClientSupport
import CoreMetrics
package import Foundation
package import Logging
package import QuartetCore
import ServiceLifecycle

/// When events that were put aside are tried again.
package struct RedriveConfiguration: Sendable, Hashable {
    /// How often it is looked for those that are due.
    package var interval: Duration = .seconds(60)
    /// The pause after the first time, twice as long after each further one, up to `pauseMax`.
    package var pause: Duration = .seconds(60)
    package var pauseMax: Duration = .seconds(3600)
    /// What was put aside more often waits for people; 0 leaves all to them.
    package var timesMax = 20

    package init() {}
}

/// Sends events that were put aside for a reason that may pass to their topics again: what a store refused for
/// reasons of its own, what names something that was still to come. Poison stays where it is.
///
/// Several may run: an event that comes twice changes nothing.
package final class DeadLetterRedriver: Role {
    package let name = "redrive"
    private let settings: Live<RedriveConfiguration>
    private var configuration: RedriveConfiguration { settings.now }
    private let letters: any DeadLetterStore
    private let now: @Sendable () -> Date
    private let logger: Logger

    package init(
        configuration: Live<RedriveConfiguration>, letters: any DeadLetterStore,
        now: @escaping @Sendable () -> Date = { .now }, logger: Logger
    ) {
        settings = configuration
        self.letters = letters
        self.now = now
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in await redriveLoop() }
    }

    private func redriveLoop() async {
        var backoff = RetryBackoff(logger: logger)
        var starts: [DeadLetter.Source: Int64] = [:]
        while !Task.isCancelled {
            do {
                // Neither do all copies look at once, nor does one that is started again and again look each time.
                let share = Double.random(in: 0.5...1)
                try await settings.wait { $0.timesMax > 0 ? $0.interval * share : nil }
                _ = try await runOnce(from: &starts)
                backoff.succeeded("redriving events")
            } catch is CancellationError {
                return
            } catch {
                _ = backoff.failed("redriving events", error)
            }
        }
    }

    /// Redrives what is due now; returns how many.
    ///
    /// - Parameter starts: where letters begin that may become due; moves on past those that can't.
    package func runOnce(from starts: inout [DeadLetter.Source: Int64]) async throws -> Int {
        var redriven = 0
        var waiting: [DeadLetter.Source: Int64] = [:]
        let ends = try await letters.forEachPage(from: starts) { page in
            let hopeful = page.filter { !$0.isCut && ($0.timesPutAside ?? .max) <= configuration.timesMax }
            let due = hopeful.filter(isDue)
            for letter in hopeful where !due.contains(letter) {
                let source = letter.place.source
                waiting[source] = min(waiting[source] ?? .max, letter.place.offset)
            }
            guard !due.isEmpty else { return }
            try await letters.redrive(due)
            redriven += due.count
        }
        starts = ends.merging(waiting) { min($0, $1) }
        if redriven > 0 {
            RoleMetrics.redriven.increment(by: redriven)
            logger.notice("events that were put aside are tried again", metadata: ["events": "\(redriven)"])
        }
        return redriven
    }

    private func isDue(_ letter: DeadLetter) -> Bool {
        let backoff = Backoff(base: configuration.pause, max: max(configuration.pause, configuration.pauseMax))
        let pause = backoff.ceiling(attempt: (letter.timesPutAside ?? 1) - 1)
        return letter.place.writtenAt.addingTimeInterval(pause.seconds) <= now()
    }
}
