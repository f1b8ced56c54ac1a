/// The bounds of a sweep.
package struct CheckConfiguration: Sendable, Hashable {
    /// How old something must be before it may be called wrong.
    package var settleWindow: Duration = .seconds(60)
    /// Between the first and the second look at a disagreement.
    package var secondLookPause: Duration = .seconds(2)
    /// Requests read at once.
    package var requestsPerChunk = 4096
    /// Segments of cards read at once, each of some 64 KB at most.
    package var segmentsPerChunk = 256
    /// Keys of Redis read at once.
    package var keysPerChunk = 500
    /// Of its time, how much the walk works, in percent; the rest is left to live traffic.
    package var workShare = 25
    /// Disagreements that wait for their second look at once.
    package var suspectsMax = 5_000
    /// Findings of a sweep that also become events.
    package var alertsMax = 10_000
    /// Findings that a report names, of each kind.
    package var examplesPerKind = 20
    /// A sweep is full if the last full one is older than this.
    package var fullInterval: Duration = .seconds(7 * 24 * 3600)
    /// How long the outbox remembers which requests were opened again: a sweep is full if the last one is older.
    package var outboxRetention: Duration = .seconds(7 * 24 * 3600)
    /// How long sweeps and their findings are kept.
    package var retention: Duration = .seconds(90 * 24 * 3600)
    /// When the role of that name sweeps.
    package var schedule = CheckSchedule.daily(hour: 3, minute: 0)
    /// Whether that mends too.
    package var repairsOnSchedule = false

    package init() {}
}

/// When sweeps begin by themselves.
package enum CheckSchedule: Sendable, Hashable, CustomStringConvertible {
    case never
    /// At that time of each day, UTC.
    case daily(hour: Int, minute: Int)
    case every(Duration)

    /// - Parameter text: `off`, `03:00` or, read by `duration`, a duration.
    package init?(_ text: String, duration: (String) -> Duration?) {
        if text == "off" {
            self = .never
        } else if let interval = duration(text), interval >= .seconds(1) {
            self = .every(interval)
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
                let minute = Int(parts[1]), (0..<24).contains(hour), (0..<60).contains(minute)
            else { return nil }
            self = .daily(hour: hour, minute: minute)
        }
    }

    /// How long from `secondsOfDay`, a time of day in UTC, to the next beginning; nil for never.
    package func delay(secondsOfDay: Int) -> Duration? {
        switch self {
        case .never: return nil
        case .every(let interval): return interval
        case .daily(let hour, let minute):
            let begin = hour * 3600 + minute * 60
            return .seconds(begin > secondsOfDay ? begin - secondsOfDay : begin - secondsOfDay + 86_400)
        }
    }

    /// What it is read from; `duration` writes a duration.
    package func setting(duration: (Duration) -> String) -> String {
        switch self {
        case .never: "off"
        case .every(let interval): duration(interval)
        case .daily(let hour, let minute): "\(Self.twoDigits(hour)):\(Self.twoDigits(minute))"
        }
    }

    package var description: String {
        switch self {
        case .never: "off"
        case .every(let interval): "every \(interval)"
        case .daily(let hour, let minute): "\(Self.twoDigits(hour)):\(Self.twoDigits(minute)) UTC"
        }
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
