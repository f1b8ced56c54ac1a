import ClientSupport
import CoreMetrics
import Foundation
import Logging
import Metrics
import QuartetCore
import QuartetStores
import ServiceLifecycle

/// Tells now and then, as metrics, how the read models of this process stand beside their sources.
struct ProjectionMonitor: Service {
    let models: [PostgresReadModel]
    let interval: Duration
    let logger: Logger
    /// How many events wait; nil where a bus does not answer.
    let waiting: @Sendable (any Projection) async -> Int?

    init(
        models: [PostgresReadModel], interval: Duration, logger: Logger,
        waiting: @escaping @Sendable (any Projection) async -> Int?
    ) {
        self.models = models
        self.interval = interval
        self.logger = logger
        self.waiting = waiting
    }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                for model in models { await look(at: model) }
                try await ContinuousClock().sleep(until: .now.advanced(by: interval))
            }
        }
    }

    private func look(at model: PostgresReadModel) async {
        func gauge(_ name: String) -> Gauge {
            Gauge(label: "quartet_projection_\(name)", dimensions: [("projection", model.projection.name)])
        }
        do {
            let (state, lag) = (try await model.state(), try await model.lag())
            gauge("rows").record(state.rows)
            gauge("lag_seconds").record(lag.behind.seconds)
            gauge("position_seconds").record(state.position?.changedAt.timeIntervalSince1970 ?? 0)
            gauge("last_error_seconds").record(state.failedAt?.timeIntervalSince1970 ?? 0)
        } catch {
            logger.debug("a read model can't be looked at", metadata: ["error": "\(error)"])
        }
        if let events = await waiting(model.projection) { gauge("lag_events").record(events) }
    }
}
