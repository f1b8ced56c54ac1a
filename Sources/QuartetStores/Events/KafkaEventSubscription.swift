import ClientSupport
package import Kafka
package import QuartetCore
import Synchronization

package struct KafkaSubscriptionConfiguration: Sendable, Hashable {
    package var commitTimeout: Duration = .seconds(10)
    /// For putting one delivery aside.
    package var deadLetterTimeout: Duration = .seconds(30)
    /// For leaving the group.
    package var closeTimeout: Duration = .seconds(5)
    /// Deliveries of one partition that are remembered until they are committed. Where more are waiting, the oldest are
    /// committed only together with later ones.
    package var uncommittedPerPartitionMax = 10_000
    /// Records that are taken ahead while a member is slow, at most.
    package var aheadMax = 10_000

    package init() {}
}

/// Events from Kafka, as one member of a consumer group.
package final class KafkaEventSubscription: EventSubscription {
    private let consumer: KafkaConsumer
    private let deadLetters: KafkaProducer
    private let naming: EventNaming
    private let configuration: KafkaSubscriptionConfiguration
    private let uncommitted = Mutex<[KafkaPartition: Uncommitted]>([:])
    /// What ``keepPlace()`` has met.
    private let ahead = Mutex<[KafkaConsumedRecord]>([])

    /// - Parameters:
    ///   - consumer: in a group; closed with the subscription.
    ///   - deadLetters: sends what is put aside; stays open.
    package init(
        consumer: KafkaConsumer, deadLetters: KafkaProducer, naming: EventNaming = EventNaming(),
        configuration: KafkaSubscriptionConfiguration = KafkaSubscriptionConfiguration()
    ) {
        precondition(configuration.uncommittedPerPartitionMax > 0, "what was delivered can be committed")
        self.consumer = consumer
        self.deadLetters = deadLetters
        self.naming = naming
        self.configuration = configuration
    }

    package func next(limit: Int, timeout: Duration) async throws -> [EventDelivery] {
        var records = ahead.withLock { ahead in
            let first = Array(ahead.prefix(limit))
            ahead.removeFirst(first.count)
            return first
        }
        if records.isEmpty { records = try await consumer.poll(max: limit, timeout: timeout) }
        uncommitted.withLock { uncommitted in
            for record in records {
                uncommitted[record.position, default: Uncommitted()]
                    .append(record, max: configuration.uncommittedPerPartitionMax)
            }
        }
        return records.map { delivery(of: $0) }
    }

    /// Deliveries of partitions that were taken away meanwhile are left to their new member.
    package func commit(_ deliveries: [EventDelivery]) async throws {
        var last: [KafkaPartition: Int64] = [:]
        for delivery in deliveries {
            let place = KafkaPartition(topic: delivery.topic, partition: delivery.partition)
            last[place] = max(last[place] ?? .min, delivery.offset)
        }
        let records = uncommitted.withLock { uncommitted in
            last.compactMap { place, offset in uncommitted[place]?.last(upTo: offset) }
        }
        guard !records.isEmpty else { return }
        _ = try await consumer.commit(records, deadline: .after(configuration.commitTimeout))
        uncommitted.withLock { uncommitted in
            for (place, offset) in last { uncommitted[place]?.drop(upTo: offset) }
        }
    }

    /// Whole, or cut where its topic does not take it whole: its partition must go on.
    package func deadLetter(_ delivery: EventDelivery, reason: String, passes: Bool) async throws {
        for size in DeadLetterRecord.sizes {
            let record = DeadLetterRecord.make(of: delivery, reason: reason, passes: passes, bytesMax: size)
            let results = try await deadLetters.send([record], deadline: .after(configuration.deadLetterTimeout))
            guard case .failure(let error)? = results.first else { return }
            guard error.saysThatItIsTooLarge, size > 0 else { throw error }
        }
    }

    /// A member that never looks is taken for dead, and rebalances take place in looks alone.
    package func keepPlace() async throws {
        guard ahead.withLock({ $0.count < configuration.aheadMax }) else { return }
        let records = try await consumer.poll(max: 1, timeout: .zero)
        ahead.withLock { $0 += records }
    }

    package func close() async {
        await consumer.close(deadline: .after(configuration.closeTimeout))
    }

    private func delivery(of record: KafkaConsumedRecord) -> EventDelivery {
        let event: Result<DomainEvent, EventDecodingError>
        do throws(EventDecodingError) {
            event = .success(try CloudEvent.event(of: record, naming: naming))
        } catch {
            event = .failure(error)
        }
        return EventDelivery(
            topic: record.topic, partition: record.partition, offset: record.offset, key: record.key ?? [],
            value: record.value ?? [], headers: record.headers.map { ($0.name, $0.value) }, event: event,
            isForeign: CloudEvent.isForeign(record, naming: naming))
    }
}

/// A partition's records that were delivered and not committed, in the order of offsets. The consumer commits records,
/// since they say under which assignment they were read.
private struct Uncommitted {
    private var records: [KafkaConsumedRecord] = []

    mutating func append(_ record: KafkaConsumedRecord, max: Int) {
        // A partition that came back begins again at what is committed.
        if let last = records.last, last.offset >= record.offset { records.removeAll { $0.offset >= record.offset } }
        records.append(record)
        if records.count > max * 2 { records.removeFirst(records.count - max) }
    }

    func last(upTo offset: Int64) -> KafkaConsumedRecord? {
        records.last { $0.offset <= offset }
    }

    mutating func drop(upTo offset: Int64) {
        records.removeAll { $0.offset <= offset }
    }
}
