import ClientSupport
import Foundation
import Synchronization

/// What became of numbered events, and when. Their aggregates are called by a prefix and their number.
final class EventTimes: Sendable {
    enum Moment: Int, CaseIterable {
        /// The statement that writes it is about to be sent; its answer, the commit's, has come; the broker's too; a consumer
        /// has it.
        case sent, committed, acknowledged, consumed
    }

    let count: Int
    private let prefix: String
    private let times: Mutex<[[ContinuousClock.Instant?]]>

    init(prefix: String, count: Int) {
        self.prefix = prefix
        self.count = count
        times = Mutex(Array(repeating: Array(repeating: nil, count: count), count: Moment.allCases.count))
    }

    func aggregate(_ number: Int) -> String { prefix + String(number) }

    /// The first time counts: an event may be handed off again.
    func note(_ moment: Moment, of numbers: Range<Int>) {
        let now = ContinuousClock.now
        times.withLock { times in
            for number in numbers where times[moment.rawValue][number] == nil { times[moment.rawValue][number] = now }
        }
    }

    /// Of events of others, nothing.
    func note(_ moment: Moment, ofAggregate name: String) {
        guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number < count else { return }
        note(moment, of: number..<number + 1)
    }

    func isComplete(_ moment: Moment) -> Bool {
        times.withLock { $0[moment.rawValue].allSatisfy { $0 != nil } }
    }

    /// From one moment to another, of the events from a number on. A writer that hears of its commit after the consumer has
    /// the event has waited no time.
    func latencies(from first: Moment, to second: Moment, after number: Int) -> Latencies {
        times.withLock { times in
            var latencies = Latencies()
            for (begin, end) in zip(times[first.rawValue], times[second.rawValue]).dropFirst(number) {
                if let begin, let end { latencies.add(max(.zero, begin.duration(to: end))) }
            }
            return latencies
        }
    }
}
