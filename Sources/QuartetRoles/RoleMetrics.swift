import Metrics

/// Every metric of the roles, in one place.
enum RoleMetrics {
    static let tasksClaimed = Counter(label: "quartet_tasks_claimed_total")
    static let tasksCompleted = Counter(label: "quartet_tasks_completed_total")
    static let tasksFailed = Counter(label: "quartet_tasks_failed_attempts_total")
    static let tasksBuried = Counter(label: "quartet_tasks_buried_total")
    static let leasesLost = Counter(label: "quartet_leases_lost_total")
    static let tasksInHand = Gauge(label: "quartet_tasks_in_hand")
    static let cacheInvalidations = Counter(label: "quartet_cache_invalidations_total")
    static let deadLetters = Counter(label: "quartet_dead_letters_total")

    static func relayed(_ sink: String) -> Counter {
        Counter(label: "quartet_outbox_relayed_total", dimensions: [("sink", sink)])
    }

    /// Tasks in the queue that are `claimable`, `waiting` for a lease or a backoff to end, or `dead`.
    static func queued(_ state: String) -> Gauge {
        Gauge(label: "quartet_queue_tasks", dimensions: [("state", state)])
    }

    static func backlog(_ sink: String) -> Gauge {
        Gauge(label: "quartet_outbox_backlog_seconds", dimensions: [("sink", sink)])
    }
}
