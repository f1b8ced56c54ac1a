import ClientSupport
import Foundation
package import Kafka
package import Logging
import Postgres
package import QuartetCore
package import QuartetDatabases

/// Dead letters in Kafka, and what was done with them in PostgreSQL.
package struct KafkaDeadLetterStore: DeadLetterStore {
    private static let pageSize = 500

    private let configuration: KafkaConfiguration
    private let naming: EventNaming
    private let producer: @Sendable () throws -> KafkaProducer
    private let timeout: Duration
    private let logger: Logger
    private let findHandled, recordHandled: StoreStatement

    /// - Parameters:
    ///   - producer: sends what is redriven; stays open.
    ///   - timeout: of each look at a broker.
    package init(
        databases: Databases, kafka: KafkaConfiguration, naming: EventNaming = EventNaming(),
        producer: @escaping @Sendable () throws -> KafkaProducer,
        timeout: Duration = .seconds(30), logger: Logger
    ) throws {
        let file = try SQLFile(
            label: "dead_letters.sql", text: String(decoding: PackageResources.dead_letters_sql, as: UTF8.self))
        let statements = try databases.statements(in: file)
        findHandled = try statements.named("handled_letters")
        recordHandled = try statements.named("record_letters")
        configuration = kafka
        self.naming = naming
        self.producer = producer
        self.timeout = timeout
        self.logger = logger
    }

    package func forEachPage(
        from starts: [DeadLetter.Source: Int64], _ body: ([DeadLetter]) async throws -> Void
    ) async throws -> [DeadLetter.Source: Int64] {
        var ends: [DeadLetter.Source: Int64] = [:]
        let consumer = try KafkaConsumer(configuration, options: KafkaConsumerOptions(), logger: logger)
        do {
            // Before anything is read: a broker answers a connection's requests in turn, and one for records waits for some.
            var marks: [(topic: String, marks: [KafkaWatermarks])] = []
            for topic in EventTopic.allCases.map(naming.deadLetters) {
                marks.append((topic, try await self.marks(of: topic, by: consumer)))
            }
            for (topic, marks) in marks {
                let ended = try await read(topic, upTo: marks, from: starts, by: consumer, body)
                ends.merge(ended) { $1 }
            }
        } catch {
            await consumer.close(deadline: .after(.seconds(5)))
            throw error
        }
        await consumer.close(deadline: .after(.seconds(5)))
        return ends
    }

    /// None of a topic that is not there.
    private func marks(of topic: String, by consumer: KafkaConsumer) async throws -> [KafkaWatermarks] {
        do {
            return try await consumer.watermarks(topic: topic, deadline: .after(timeout))
        } catch let error as KafkaError where error.saysThatTheTopicIsNotThere {
            return []
        }
    }

    /// One partition after the other, so that letters come in the order of their places.
    private func read(
        _ topic: String, upTo marks: [KafkaWatermarks], from starts: [DeadLetter.Source: Int64],
        by consumer: KafkaConsumer, _ body: ([DeadLetter]) async throws -> Void
    ) async throws -> [DeadLetter.Source: Int64] {
        var ends: [DeadLetter.Source: Int64] = [:]
        for mark in marks where mark.high > mark.low {
            let source = DeadLetter.Source(topic: topic, partition: mark.partition)
            ends[source] = mark.high
            // A topic that was made anew ends before what is known of it.
            let start = starts[source].map { $0 <= mark.high ? $0 : 0 } ?? 0
            var next = max(mark.low, start)
            guard next < mark.high else { continue }
            let partition = KafkaPartition(topic: topic, partition: mark.partition)
            try await consumer.assign([KafkaOffset(partition, offset: next)])
            while next < mark.high {
                let records = try await consumer.poll(max: Self.pageSize, timeout: timeout)
                guard let last = records.last else {
                    throw UnreadableTopic(description: "\(topic) gave nothing within \(timeout): is its leader there?")
                }
                next = last.offset + 1
                let letters = records.filter { $0.offset < mark.high }.map(Self.letter)
                let handled = try await handled(letters.map(\.place))
                let open = letters.filter { !handled.contains($0.place.offset) }
                if !open.isEmpty { try await body(open) }
            }
        }
        return ends
    }

    package func redrive(_ letters: [DeadLetter]) async throws {
        let letters = letters.filter { !$0.isCut }
        guard !letters.isEmpty else { return }
        let records = letters.map { letter in
            KafkaRecord(
                topic: String(letter.place.topic.dropLast(EventTopic.deadLetterSuffix.count)),
                key: letter.key.isEmpty ? nil : letter.key, value: letter.value,
                headers: letter.headersOfEvent.map { KafkaHeader($0.name, $0.value) })
        }
        for result in try await producer().send(records, deadline: .after(timeout)) { _ = try result.get() }
        Failpoint.lettersRedriven.reached()
        try await record(letters, as: .redriven)
    }

    package func drop(_ letters: [DeadLetter]) async throws {
        guard !letters.isEmpty else { return }
        try await record(letters, as: .dropped)
    }

    private func record(_ letters: [DeadLetter], as outcome: DeadLetterOutcome) async throws {
        _ = try await recordHandled.run(
            letters.map(\.place.topic), letters.map(\.place.partition), letters.map(\.place.offset),
            letters.map(\.place.writtenAt), outcome.rawValue)
    }

    /// The offsets among those of one partition with which something was done.
    private func handled(_ places: [DeadLetter.Place]) async throws -> Set<Int64> {
        guard let first = places.first else { return [] }
        let rows = try await findHandled.run(
            first.topic, first.partition, places.map(\.offset), places.map(\.writtenAt))
        return try Set(rows.map { try $0.decode(0, as: Int64.self) })
    }

    private static func letter(_ record: KafkaConsumedRecord) -> DeadLetter {
        let milliseconds = record.record.timestampMilliseconds ?? 0
        return DeadLetter(
            place: DeadLetter.Place(
                topic: record.topic, partition: record.partition, offset: record.offset,
                writtenAt: Date(timeIntervalSince1970: Double(milliseconds) / 1000)),
            reason: record.header("dlq_reason").map { String(decoding: $0, as: UTF8.self) } ?? "none given",
            key: record.key ?? [], value: record.value ?? [], headers: record.headers.map { ($0.name, $0.value) })
    }
}

private struct UnreadableTopic: Error, CustomStringConvertible {
    let description: String
}
