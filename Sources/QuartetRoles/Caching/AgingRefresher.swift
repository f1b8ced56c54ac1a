import ClientSupport
import CoreMetrics
package import Logging
import Metrics
package import QuartetCore
import ServiceLifecycle

/// When an aging cache is refilled, and with what.
package struct AgingConfiguration: Sendable, Hashable {
    package var interval: Duration = .seconds(50)
    /// Of the rows that never had a turn.
    package var newRows = 500
    /// Of those whose last turn was longest ago.
    package var oldRows = 500
    /// How long the rows stay when nobody refills it.
    package var life: Duration = .seconds(600)

    package init() {}
}

/// Refills an aging cache in turns, so that every row of its source has its own. Any number may run: one of them has each
/// turn, and the next one goes on should it die.
package final class AgingRefresher: Role {
    package var name: String { "cache of \(source.name)" }
    private let settings: Live<AgingConfiguration>
    private let source: any AgingSource
    private let store: any AgingCacheStore
    private let logger: Logger

    package init(
        configuration: Live<AgingConfiguration>, source: any AgingSource, store: any AgingCacheStore, logger: Logger
    ) {
        settings = configuration
        self.source = source
        self.store = store
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var backoff = RetryBackoff(logger: logger)
            while !Task.isCancelled {
                do {
                    let others = try await runOnce()
                    backoff.succeeded("refilling the \(name)")
                    // Another's turn is as long as it was when it was taken, unless turns are shorter by now.
                    try await settings.wait { settings in others.map { min($0, settings.interval) } ?? settings.interval
                    }
                } catch is CancellationError {
                    return
                } catch {
                    let pause = backoff.failed("refilling the \(name)", error)
                    try? await ContinuousClock().sleep(until: .now.advanced(by: pause))
                }
            }
        }
    }

    private var configuration: AgingConfiguration { settings.now }

    /// Has the turn, unless another has it: then gives how long that lasts.
    package func runOnce() async throws -> Duration? {
        var left = try await store.takeTurn(of: source.name, for: configuration.interval)
        if let time = left, time > configuration.interval {
            // It was taken when turns were longer: one of this copy's own ends, another's is for that copy to end.
            try await store.giveUpTurn(of: source.name)
            left = try await store.takeTurn(of: source.name, for: configuration.interval)
        }
        if let left { return left }
        do {
            _ = try await refill()
            return nil
        } catch {
            // Whoever comes next need not wait; if that fails too, the turn ends by itself.
            try? await store.giveUpTurn(of: source.name)
            throw error
        }
    }

    /// Puts the rows there whose turn it is; gives how many. One that is cut off between comes again with the same ones.
    package func refill() async throws -> Int {
        let start = ContinuousClock.now
        let rows = try await source.next(new: configuration.newRows, old: configuration.oldRows)
        try await store.replace(rows, of: source.name, life: configuration.life)
        if !rows.isEmpty {
            Failpoint.agingRefilled.reached()
            try await source.stamp(rows.map(\.id))
        }
        RoleMetrics.aged(source.name).increment(by: rows.count)
        RoleMetrics.turnSeconds(source.name).record(duration: start.duration(to: .now))
        return rows.count
    }
}
