import Metrics

/// Every metric of the checker, in one place.
enum CheckMetrics {
    static let sweepDuration = Gauge(label: "quartet_check_sweep_seconds")
    static let sweepFinished = Gauge(label: "quartet_check_finished_timestamp_seconds")

    static func findings(_ invariant: String) -> Counter {
        Counter(label: "quartet_check_findings_total", dimensions: [("invariant", invariant)])
    }

    /// Findings of the last sweep that were not repaired.
    static func remaining(_ invariant: String) -> Gauge {
        Gauge(label: "quartet_check_findings_remaining", dimensions: [("invariant", invariant)])
    }

    static func walked(_ phase: String) -> Counter {
        Counter(label: "quartet_check_rows_total", dimensions: [("phase", phase)])
    }
}
