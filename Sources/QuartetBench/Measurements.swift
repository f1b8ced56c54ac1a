import ClientSupport
import Foundation

/// Durations of single calls, in milliseconds.
struct Latencies: Sendable {
    private(set) var milliseconds: [Double] = []

    mutating func add(_ duration: Duration) {
        milliseconds.append(duration.seconds * 1e3)
    }

    mutating func add(_ other: Latencies) {
        milliseconds += other.milliseconds
    }

    /// The nearest-rank percentile, nil without values.
    func percentile(_ part: Double) -> Double? {
        guard !milliseconds.isEmpty else { return nil }
        let sorted = milliseconds.sorted()
        return sorted[min(sorted.count - 1, max(0, Int((part * Double(sorted.count)).rounded(.up)) - 1))]
    }

    var summary: LatencySummary { LatencySummary(p50: rounded(0.5), p99: rounded(0.99), calls: milliseconds.count) }

    private func rounded(_ part: Double) -> Double { ((percentile(part) ?? 0) * 100).rounded() / 100 }
}

struct LatencySummary: Codable, Sendable {
    /// Milliseconds.
    let p50: Double
    let p99: Double
    let calls: Int
}

/// What a whole run found. Rates are per second of wall time.
package struct PipelineFigures: Codable, Sendable {
    struct Submit: Codable, Sendable {
        let callers: Int
        let submits: Int
        let perSecond: Int
        let milliseconds: LatencySummary
    }

    struct Analyses: Codable, Sendable {
        let analyses: Int
        let reviewsEach: Int
        let perSecond: Int
        /// Relative to the floor of this run.
        let ofFloor: Double
    }

    struct LightLoad: Codable, Sendable {
        let requestsPerSecond: Int
        /// From sending the request to having read the end of its event stream.
        let submitToCompletedMilliseconds: LatencySummary
        /// The same while a transaction of somebody else's stays open, for so long.
        let besideOpenTransactionMilliseconds: LatencySummary
        let openTransactionSeconds: Int
        /// The same store operations one after the other, and nothing else.
        let floorMilliseconds: LatencySummary
    }

    struct Idle: Codable, Sendable {
        /// Of one core, every role in one process.
        let cpuPercent: Double
        let residentMegabytes: Int
        let residentMegabytesUnderLoad: Int
    }

    struct Floor: Codable, Sendable {
        let what: String
        let analyses: Int
        let perSecond: Int
        /// Where each card is a document of its own.
        let perSecondWithSingleCards: Int
    }

    let cores: Int
    let submit: Submit
    let fromPreloadedQueue: Analyses
    let endToEnd: Analyses
    let lightLoad: LightLoad
    let idle: Idle
    let floor: Floor
}

/// Why a bench could not run.
package struct BenchError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
