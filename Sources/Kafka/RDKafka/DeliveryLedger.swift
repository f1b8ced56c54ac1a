import CRDKafka
import Logging

/// Which records of one C producer are on the way, and what became of the others. Touched on its actor's queue alone.
///
/// A record's opaque pointer is not a pointer but a number, batch and place in it. So there is nothing to keep alive or
/// to free: a report for a batch that nobody waits for any more finds no entry and only counts.
final class DeliveryLedger {
    /// How many records one batch may have: what 24 of the 64 bits hold.
    static let batchSizeMax = 1 << 24

    private struct Batch {
        var results: [Result<KafkaDelivery, KafkaError>?]
        var waitingFor: Int
    }

    private var batches: [UInt64: Batch] = [:]
    /// Records handed to librdkafka whose report has not come.
    private(set) var outstanding = 0
    /// Whether there was ever more than one since there was none: a batch of the library's may have held several.
    private(set) var hadCompany = false
    private let finished: (UInt64) -> Void

    /// - Parameter finished: called with a batch's id once all its results are in.
    init(finished: @escaping (UInt64) -> Void) {
        self.finished = finished
    }

    func open(_ batch: UInt64, count: Int) {
        precondition(count > 0 && count <= Self.batchSizeMax, "a batch has 1 to \(Self.batchSizeMax) records")
        batches[batch] = Batch(results: Array(repeating: nil, count: count), waitingFor: count)
    }

    func opaque(_ batch: UInt64, _ index: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: Int(batch) << 24 | index)
    }

    /// Notes that librdkafka took a record and owes a report.
    func handedOver() {
        outstanding += 1
        if outstanding > 1 { hadCompany = true }
    }

    /// Takes in the report that librdkafka owed.
    func report(_ opaque: UnsafeMutableRawPointer?, _ result: Result<KafkaDelivery, KafkaError>) {
        outstanding -= 1
        if outstanding == 0 { hadCompany = false }
        let number = Int(bitPattern: opaque)
        resolve(UInt64(number >> 24), number & (Self.batchSizeMax - 1), result)
    }

    /// Sets the result of a record; ignored where the batch is closed or has it already.
    func resolve(_ batch: UInt64, _ index: Int, _ result: Result<KafkaDelivery, KafkaError>) {
        guard let place = batches.index(forKey: batch), batches.values[place].results[index] == nil else { return }
        batches.values[place].results[index] = result
        batches.values[place].waitingFor -= 1
        if batches.values[place].waitingFor == 0 { finished(batch) }
    }

    func isFinished(_ batch: UInt64) -> Bool {
        batches[batch].map { $0.waitingFor == 0 } ?? true
    }

    /// Ends a batch and hands out its results, `missing` for those that are not in.
    func close(_ batch: UInt64, missing: KafkaError) -> [Result<KafkaDelivery, KafkaError>] {
        guard let entry = batches.removeValue(forKey: batch) else { return [] }
        return entry.results.map { $0 ?? .failure(missing) }
    }

    /// Gives all records on the way the same result: their producer is gone and will not report.
    func abandon(with error: KafkaError) {
        outstanding = 0
        for (id, batch) in batches where batch.waitingFor > 0 {
            for index in batch.results.indices { resolve(id, index, .failure(error)) }
        }
    }
}

/// What a producer's callbacks reach.
final class ProducerContext: ClientContext {
    let ledger: DeliveryLedger
    /// How many bytes are sent together.
    let batchBytesMax: Int
    /// How many should be, since a topic did not take some together.
    private(set) var batchBytesWanted: Int?

    init(configuration: KafkaConfiguration, logger: Logger, ledger: DeliveryLedger, batchBytesMax: Int) {
        self.ledger = ledger
        self.batchBytesMax = batchBytesMax
        super.init(logger: logger, configuration: configuration)
    }

    /// Takes in that a topic refused a record for its size, which may have been that of the batch it was in. Returns whether
    /// it has a chance in a smaller one.
    func refusedForSize(recordBytes: Int) -> Bool {
        let smaller = max(batchBytesMax / 4, recordBytes)
        guard ledger.hadCompany, smaller < batchBytesMax else { return false }
        batchBytesWanted = min(batchBytesWanted ?? .max, smaller)
        return true
    }
}

/// `rd_kafka_conf_set_dr_msg_cb`: runs in a poll on the producer's queue, once for each record.
func recordReported(
    _: OpaquePointer?, _ message: UnsafePointer<rd_kafka_message_t>?, _ opaque: UnsafeMutableRawPointer?
) {
    guard let message, let opaque else { return }
    let context = Unmanaged<ProducerContext>.fromOpaque(opaque).takeUnretainedValue()
    let report = message.pointee
    guard report.err != RD_KAFKA_RESP_ERR_NO_ERROR else {
        context.succeeded()
        let delivery = KafkaDelivery(partition: report.partition, offset: report.offset)
        return context.ledger.report(report._private, .success(delivery))
    }
    let topic = report.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? "?"
    var error = KafkaError(
        report.err, "send to \(topic)", outage: context.outageReason,
        mayHaveHappened: rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
    if error.saysThatItIsTooLarge, context.refusedForSize(recordBytes: report.len + report.key_len) {
        error.isRetriable = true
    }
    context.ledger.report(report._private, .failure(error))
}
