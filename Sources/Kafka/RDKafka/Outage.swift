/// Whether brokers are out of reach, so that a retry every second does not become a log line every second.
///
/// librdkafka tells of every failure and of no recovery. An outage ends when something succeeds, or when no failure has
/// been told for longer than the pauses between attempts.
struct Outage {
    private(set) var reason: String?
    private var lastFailure: ContinuousClock.Instant?
    private let quietMax: Duration

    init(quietMax: Duration) {
        self.quietMax = quietMax
    }

    /// Takes in a failure; true if it is news.
    mutating func failed(_ reason: String, at now: ContinuousClock.Instant = .now) -> Bool {
        let isNews = self.reason == nil || lastFailure.map { $0.duration(to: now) > quietMax } ?? true
        self.reason = reason
        lastFailure = now
        return isNews
    }

    /// Takes in a success; true if it ends an outage.
    mutating func succeeded() -> Bool {
        guard reason != nil else { return false }
        reason = nil
        lastFailure = nil
        return true
    }
}
