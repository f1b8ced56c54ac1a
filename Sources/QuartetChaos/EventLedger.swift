import Kafka
import Logging
import QuartetCore
import StoreKit
import Synchronization

/// Reads the topic of analyses from its beginning, throughout the storm, and keeps what it told of each request.
final class EventLedger: Sendable {
    struct Told: Sendable {
        /// The ids of the events of each type.
        var ids: [String: Set<String>] = [:]
        /// Where they stand in the topic: the ledger itself may read a record twice.
        var places: Set<KafkaOffset> = []
    }

    private let configuration: KafkaConfiguration
    private let logger: Logger
    private let told = Mutex<[String: Told]>([:])

    init(_ configuration: KafkaConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    var all: [String: Told] { told.withLock { $0 } }

    /// Until cancelled. Outside groups: it has the topic to itself.
    func run() async throws {
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        let consumer = try KafkaConsumer(configuration, options: options, logger: logger)
        do {
            try await assignAll(to: consumer)
            while true {
                for record in try await consumer.poll(timeout: .seconds(1)) { note(record) }
            }
        } catch {
            await Task { await consumer.close(deadline: .after(.seconds(5))) }.value
            if !(error is CancellationError) { throw error }
        }
    }

    /// The topic is there from the first event on.
    private func assignAll(to consumer: KafkaConsumer) async throws {
        let topic = EventTopic.analysis.rawValue
        while true {
            try Task.checkCancellation()
            if let marks = try? await consumer.watermarks(topic: topic, deadline: .after(.seconds(2))), !marks.isEmpty {
                return try await consumer.assign(
                    marks.map {
                        KafkaOffset(
                            KafkaPartition(topic: topic, partition: $0.partition), offset: KafkaOffset.earliest)
                    })
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func note(_ record: KafkaConsumedRecord) {
        func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
        told.withLock { told in
            var one = told[text(record.key)] ?? Told()
            one.places.insert(KafkaOffset(record.position, offset: record.offset))
            one.ids[text(record.header("ce_type")), default: []].insert(text(record.header("ce_id")))
            told[text(record.key)] = one
        }
    }
}
