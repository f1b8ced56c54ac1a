import Metrics
import QuartetCore

/// Every metric of the roles, in one place.
enum RoleMetrics {
    static let tasksClaimed = Counter(label: "quartet_tasks_claimed_total")
    static let tasksCompleted = Counter(label: "quartet_tasks_completed_total")
    static let tasksFailed = Counter(label: "quartet_tasks_failed_attempts_total")
    static let unreadableTasks = Counter(label: "quartet_tasks_unreadable_total")
    static let tasksBuried = Counter(label: "quartet_tasks_buried_total")
    static let leasesLost = Counter(label: "quartet_leases_lost_total")
    static let tasksInHand = Gauge(label: "quartet_tasks_in_hand")
    /// Rows of the outbox that no task can be made of.
    static let unusableRows = Counter(label: "quartet_outbox_unusable_total")
    /// Of another deployment on the same topics.
    static let foreignEvents = Counter(label: "quartet_foreign_events_total")
    static let deadLetters = Counter(label: "quartet_dead_letters_total")
    static let redriven = Counter(label: "quartet_dead_letters_redriven_total")

    /// Counts the leases that changed nothing, because the tasks had gone to others or had been taken away.
    /// - Returns: `held`.
    static func countingStale(_ held: [Bool], _ operation: String) -> [Bool] {
        let stale = held.count { !$0 }
        if stale > 0 {
            Counter(label: "quartet_stale_leases_total", dimensions: [("operation", operation)]).increment(by: stale)
        }
        return held
    }

    static func relayed(_ database: String, _ sink: OutboxSink) -> Counter {
        Counter(label: "quartet_outbox_relayed_total", dimensions: [("database", database), ("sink", sink.rawValue)])
    }

    /// Events that a group of consumers has applied.
    static func applied(_ consumer: String) -> Counter {
        Counter(label: "quartet_events_applied_total", dimensions: [("consumer", consumer)])
    }

    static func projectionErrors(_ name: String) -> Counter {
        Counter(label: "quartet_projection_errors_total", dimensions: [("projection", name)])
    }

    /// Rows that have had their turn in an aging cache.
    static func aged(_ cache: String) -> Counter {
        Counter(label: "quartet_aging_rows_total", dimensions: [("cache", cache)])
    }

    /// How long a turn takes.
    static func turnSeconds(_ cache: String) -> Timer {
        Timer(label: "quartet_aging_turn_seconds", dimensions: [("cache", cache)])
    }

    /// How old the oldest transaction in flight is. It holds up nothing, but servers suffer from it.
    static func oldestTransaction(_ database: String) -> Gauge {
        Gauge(label: "quartet_outbox_oldest_transaction_seconds", dimensions: [("database", database)])
    }

    /// Tasks in the queue that are `claimable`, `waiting` for a lease or a backoff to end, or `dead`.
    static func queued(_ state: String) -> Gauge {
        Gauge(label: "quartet_queue_tasks", dimensions: [("state", state)])
    }

    static func backlog(_ database: String, _ sink: OutboxSink) -> Gauge {
        Gauge(label: "quartet_outbox_backlog_seconds", dimensions: [("database", database), ("sink", sink.rawValue)])
    }
}
