import ClientSupport
import Kafka
import Logging
import QuartetCore
import Synchronization

/// Reads the topic of analyses from its beginning, throughout the storm, and keeps what it told of each request.
final class EventLedger: Sendable {
    struct Told: Sendable {
        /// The ids of the events of each type.
        var ids: [String: Set<String>] = [:]
        /// Where they stood: the ledger itself may read a record twice.
        var places: Set<Place> = []
    }

    struct Place: Sendable, Hashable {
        /// Which log of the broker's: 0, and one more each time that it lost the one before.
        let log: Int
        let offset: KafkaOffset
    }

    private struct State {
        var told: [String: Told] = [:]
        /// The log that the broker has, and the one that is being read.
        var log = 0
        var logRead: Int?
        /// What comes next in each partition of the log that is being read.
        var next: [Int32: Int64] = [:]
    }

    private static let topic = EventTopic.analysis.rawValue
    private let configuration: KafkaConfiguration
    private let logger: Logger
    private let state = Mutex(State())

    init(_ configuration: KafkaConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    var all: [String: Told] { state.withLock { $0.told } }

    /// The broker has lost its log: reads the new one from its beginning.
    func beginAgain() { state.withLock { $0.log += 1 } }

    /// How many of the records between these marks are still to be read.
    func unread(_ marks: [KafkaWatermarks]) -> Int64 {
        state.withLock { state in
            let next = state.logRead == state.log ? state.next : [:]
            return marks.reduce(0) { $0 + max(0, $1.high - max($1.low, next[$1.partition] ?? 0)) }
        }
    }

    /// Until cancelled. Outside groups: it has the topic to itself.
    func run() async throws {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        let consumer = try KafkaConsumer(configuration, options: options, logger: logger)
        do {
            while true {
                try await assignAll(to: consumer)
                try await read(consumer)
            }
        } catch {
            await Task { await consumer.close(deadline: .after(.seconds(5))) }.value
            if !(error is CancellationError) { throw error }
        }
    }

    /// Until the log is another one.
    private func read(_ consumer: KafkaConsumer) async throws {
        while state.withLock({ $0.log == $0.logRead }) {
            for record in try await consumer.poll(timeout: .milliseconds(200)) { note(record) }
        }
    }

    /// The topic is there from the first event on.
    private func assignAll(to consumer: KafkaConsumer) async throws {
        while true {
            try Task.checkCancellation()
            let log = state.withLock { $0.log }
            if let marks = try? await consumer.watermarks(topic: Self.topic, deadline: .after(.seconds(2))),
                !marks.isEmpty
            {
                try await consumer.assign(
                    marks.map {
                        KafkaOffset(
                            KafkaPartition(topic: Self.topic, partition: $0.partition), offset: KafkaOffset.earliest)
                    })
                return state.withLock { state in
                    state.logRead = log
                    state.next = [:]
                }
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(200)))
        }
    }

    private func note(_ record: KafkaConsumedRecord) {
        func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
        state.withLock { state in
            guard let log = state.logRead else { return }
            var one = state.told[text(record.key)] ?? Told()
            one.places.insert(Place(log: log, offset: KafkaOffset(record.position, offset: record.offset)))
            one.ids[text(record.header("ce_type")), default: []].insert(text(record.header("ce_id")))
            state.told[text(record.key)] = one
            state.next[record.partition] = max(state.next[record.partition] ?? 0, record.offset + 1)
        }
    }
}
