import CoreMetrics
import Synchronization

final class CounterValue: CounterHandler {
    private let total = Atomic<Int64>(0)

    var value: Int64 { total.load(ordering: .relaxed) }

    func increment(by amount: Int64) {
        total.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        total.store(0, ordering: .relaxed)
    }
}

final class GaugeValue: RecorderHandler {
    private let last = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: last.load(ordering: .relaxed)) }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        last.store(value.bitPattern, ordering: .relaxed)
    }
}

/// Counts in buckets that double, from 100 microseconds (timers) or 1 (recorders) on.
final class HistogramValue: TimerHandler, RecorderHandler {
    private struct State {
        var buckets = [Int64](repeating: 0, count: HistogramValue.bucketCount + 1)
        var sum = 0.0
        var isTimer = false
    }

    private static let bucketCount = 18
    private let state = Mutex(State())

    func recordNanoseconds(_ duration: Int64) {
        add(Double(duration) / 1e9, isTimer: true)
    }

    func record(_ value: Int64) {
        add(Double(value), isTimer: false)
    }

    func record(_ value: Double) {
        add(value, isTimer: false)
    }

    private func add(_ value: Double, isTimer: Bool) {
        state.withLock { state in
            state.isTimer = isTimer
            state.sum += value
            let bucket = (0..<Self.bucketCount).first { value <= Self.bound($0, isTimer: isTimer) } ?? Self.bucketCount
            state.buckets[bucket] += 1
        }
    }

    private static func bound(_ bucket: Int, isTimer: Bool) -> Double {
        (isTimer ? 0.0001 : 1) * Double(1 << bucket)
    }

    func write(_ key: MetricKey, to text: inout String) {
        let (buckets, sum, isTimer) = state.withLock { ($0.buckets, $0.sum, $0.isTimer) }
        var total: Int64 = 0
        for (index, count) in buckets.enumerated() {
            total += count
            let bound = index < Self.bucketCount ? "\(Self.bound(index, isTimer: isTimer))" : "+Inf"
            text += "\(key.label)_bucket\(key.braced(adding: "le=\"\(bound)\"")) \(total)\n"
        }
        text += "\(key.label)_sum\(key.braced()) \(sum)\n"
        text += "\(key.label)_count\(key.braced()) \(total)\n"
    }
}
