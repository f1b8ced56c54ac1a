import ClientSupport
import Metrics

/// What a service's statements cost, by service and store.
struct StatementMeter: Sendable {
    private let timer: Timer
    private let failures: Counter

    init(service: String, database: DatabaseName) {
        let dimensions = [("service", service), ("store", "postgresql.\(database)")]
        timer = Timer(label: "quartet_service_statement_seconds", dimensions: dimensions)
        failures = Counter(label: "quartet_service_statement_failures_total", dimensions: dimensions)
    }

    func measure<Value>(_ body: () async throws -> Value) async throws -> Value {
        let start = ContinuousClock.now
        do {
            let value = try await body()
            timer.record(duration: start.duration(to: .now))
            return value
        } catch {
            failures.increment()
            throw error
        }
    }
}
