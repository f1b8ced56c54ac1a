import ClientSupport
import Foundation
import Kafka
import Logging
import QuartetCore
import Synchronization

/// What Kafka's topics of analyses and users tell.
final class KafkaLedger: EventLedger {
    private struct State {
        /// The log that the broker has, and the one that is being read: 0, and one more each time that it lost the one before.
        var log = 0
        var logRead: Int?
        /// What comes next in each partition of the log that is being read.
        var next: [KafkaPartition: Int64] = [:]
    }

    private static let topics = [EventTopic.analysis, .user].map(\.rawValue)
    let book = EventBook()
    private let configuration: KafkaConfiguration
    private let logger: Logger
    private let state = Mutex(State())

    init(_ configuration: KafkaConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    func prepare() async throws {}

    func beginAgain() {
        book.beginAgain()
        state.withLock { $0.log += 1 }
    }

    func unread(_ marks: (_ topic: String) async throws -> [KafkaWatermarks]) async throws -> Int {
        var unread: Int64 = 0
        for topic in Self.topics {
            let marks = try await marks(topic)
            unread += state.withLock { state in
                let next = state.logRead == state.log ? state.next : [:]
                return marks.reduce(0) { sum, mark in
                    let read = next[KafkaPartition(topic: topic, partition: mark.partition)] ?? 0
                    return sum + max(0, mark.high - max(mark.low, read))
                }
            }
        }
        return Int(unread)
    }

    func readAgain() async throws -> EventBook? {
        let other = KafkaLedger(configuration, logger: logger)
        let asker = try makeConsumer()
        let deadline = Deadline.after(.seconds(30))
        let reading = Task { try await other.run() }
        do {
            while try await other.unread({ try await asker.watermarks(topic: $0, deadline: deadline) }) > 0 {
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(50)))
            }
        } catch {
            reading.cancel()
            await asker.close(deadline: .after(.seconds(2)))
            throw error
        }
        reading.cancel()
        await asker.close(deadline: .after(.seconds(2)))
        try await reading.value
        return other.book
    }

    /// Outside groups: it has the topics to itself.
    private func makeConsumer() throws -> KafkaConsumer {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        return try KafkaConsumer(configuration, options: options, logger: logger)
    }

    func run() async throws {
        let consumer = try makeConsumer()
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

    /// The topics are there from the first event on.
    private func assignAll(to consumer: KafkaConsumer) async throws {
        while true {
            try Task.checkCancellation()
            let log = state.withLock { $0.log }
            var starts: [KafkaOffset]? = []
            for topic in Self.topics {
                let marks = try? await consumer.watermarks(topic: topic, deadline: .after(.seconds(2)))
                guard let marks, !marks.isEmpty else {
                    starts = nil
                    break
                }
                starts? += marks.map {
                    KafkaOffset(
                        KafkaPartition(topic: topic, partition: $0.partition), offset: KafkaOffset.earliest)
                }
            }
            if let starts {
                try await consumer.assign(starts)
                return state.withLock { state in
                    state.logRead = log
                    state.next = [:]
                }
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(200)))
        }
    }

    /// The consumer itself may give a record twice.
    private func note(_ record: KafkaConsumedRecord) {
        func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
        let isNew = state.withLock { state in
            guard state.logRead != nil, record.offset >= state.next[record.position] ?? 0 else {
                return false
            }
            state.next[record.position] = record.offset + 1
            return true
        }
        guard isNew else { return }
        book.note(
            text(record.header("ce_id")), type: text(record.header("ce_type")),
            aggregate: text(record.key),
            version: Int64(text(record.header("ce_aggregateversion"))) ?? 0)
    }
}
