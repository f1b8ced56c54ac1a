import Foundation
import Kafka
import QuartetCore
import Testing

@testable import QuartetStores

@Suite struct CloudEventTests {
    private static let event = DomainEvent(
        id: "3-77-1", type: .analysisCompleted, aggregateID: "01890a5d-ac96-774b-bcce-b302099a8057",
        version: .max, payload: Array(#"{"product_id":"p","generation":2,"result_version":9}"#.utf8),
        occurredAt: Date(timeIntervalSince1970: 1_709_210_096_789_012 / 1_000_000), trace: "00-1-2-01")

    @Test func recordsAreCloudEventsInBinaryMode() {
        let record = CloudEvent.record(of: Self.event)
        #expect(record.topic == "analysis.events")
        #expect(record.key == Array("01890a5d-ac96-774b-bcce-b302099a8057".utf8))
        #expect(record.value == Self.event.payload)
        let headers = record.headers.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
        #expect(
            headers == [
                "ce_specversion=1.0", "ce_id=3-77-1", "ce_source=quartet", "ce_type=analysis.completed",
                "ce_subject=01890a5d-ac96-774b-bcce-b302099a8057", "ce_time=2024-02-29T12:34:56.789012Z",
                "ce_aggregateversion=9223372036854775807", "content-type=application/json", "ce_traceparent=00-1-2-01",
            ])
    }

    @Test func everyTypeComesBack() throws {
        for type in EventType.all {
            let event = DomainEvent(
                id: "1", type: type, aggregateID: "a", version: 5, payload: [1, 2, 3],
                occurredAt: Date(timeIntervalSince1970: 0.000001))
            #expect(try CloudEvent.event(of: consumed(CloudEvent.record(of: event))) == event)
        }
    }

    @Test func furtherHeadersDoNotMatter() throws {
        var record = CloudEvent.record(of: Self.event)
        record.headers =
            record.headers.reversed() + [KafkaHeader("ce_partitionkey", "x"), KafkaHeader("trace", [0xFF])]
        #expect(try CloudEvent.event(of: consumed(record)) == Self.event)
    }

    @Test(arguments: ["ce_specversion", "ce_id", "ce_type", "ce_subject", "ce_time", "ce_aggregateversion"])
    func aMissingOrSpoiltHeaderIsNamed(_ name: String) throws {
        var record = CloudEvent.record(of: Self.event)
        let index = try #require(record.headers.firstIndex { $0.name == name })
        record.headers[index].value = [0xFF]
        #expect(throws: EventDecodingError.self) { try CloudEvent.event(of: consumed(record)) }
        record.headers.remove(at: index)
        let error = #expect(throws: EventDecodingError.self) { try CloudEvent.event(of: consumed(record)) }
        #expect(error?.reason.contains(name) == true)
    }

    @Test(arguments: [
        ("ce_specversion", "2.0"), ("ce_type", "analysis.exploded"), ("ce_time", "yesterday"), ("ce_id", ""),
        ("ce_aggregateversion", "-1"), ("ce_aggregateversion", "9223372036854775808"), ("ce_aggregateversion", "1.5"),
    ])
    func aHeaderThatMeansNothingIsRefused(_ name: String, _ value: String) throws {
        var record = CloudEvent.record(of: Self.event)
        let index = try #require(record.headers.firstIndex { $0.name == name })
        record.headers[index] = KafkaHeader(name, value)
        #expect(throws: EventDecodingError.self) { try CloudEvent.event(of: consumed(record)) }
    }

    private func consumed(_ record: KafkaRecord) -> KafkaConsumedRecord {
        KafkaConsumedRecord(record: record, partition: 0, offset: 0)
    }
}
