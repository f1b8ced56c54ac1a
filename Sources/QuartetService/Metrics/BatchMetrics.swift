import ClientSupport
import CoreMetrics
import Metrics
import Synchronization

/// Metrics of batches. Each batcher's are looked up once: that costs more than to record.
final class BatchMetrics: Sendable {
    private struct Handles: Sendable {
        let items: Recorder
        let seconds: Timer
        let failedItems: Counter

        init(step: String) {
            let dimensions = [("step", step)]
            items = Recorder(label: "quartet_batch_items", dimensions: dimensions)
            seconds = Timer(label: "quartet_batch_seconds", dimensions: dimensions)
            failedItems = Counter(label: "quartet_batch_failed_items_total", dimensions: dimensions)
        }
    }

    private let handles = Mutex<[String: Handles]>([:])

    @Sendable func observe(_ report: BatchReport) {
        let handles = handles.withLock { known in
            if let handles = known[report.name] { return handles }
            let handles = Handles(step: report.name)
            known[report.name] = handles
            return handles
        }
        handles.items.record(report.items)
        handles.seconds.record(duration: report.duration)
        if report.failed > 0 { handles.failedItems.increment(by: report.failed) }
    }
}
