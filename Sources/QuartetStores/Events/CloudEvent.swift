import Foundation
import Kafka
import QuartetCore

/// Domain events as CloudEvents in Kafka's binary mode: attributes are headers, the value is the data alone. RabbitMQ, for
/// whose protocol there is no binding, carries the same headers.
///
/// Source: CloudEvents 1.0.2 and its Kafka protocol binding 1.0.2, section 3.2.
enum CloudEvent {
    private struct Attributes {
        var specVersion, id, type, subject, time, aggregateVersion, trace: String?
    }

    static func headers(
        of event: DomainEvent, naming: EventNaming = EventNaming()
    ) -> [(name: String, value: String)] {
        var headers = [
            ("ce_specversion", "1.0"), ("ce_id", event.id), ("ce_source", naming.source),
            ("ce_type", event.type.name), ("ce_subject", event.aggregateID),
            ("ce_time", InternetTime(event.occurredAt).text),
            // Names of extensions are lowercase letters and digits.
            ("ce_aggregateversion", String(event.version)), ("content-type", "application/json"),
        ]
        if let trace = event.trace { headers.append(("ce_traceparent", trace)) }
        return headers
    }

    static func record(of event: DomainEvent, naming: EventNaming = EventNaming()) -> KafkaRecord {
        KafkaRecord(
            topic: naming.topic(event.type.topic), key: Array(event.aggregateID.utf8), value: event.payload,
            headers: headers(of: event, naming: naming).map { KafkaHeader($0.name, $0.value) })
    }

    static func event(
        of record: KafkaConsumedRecord, naming: EventNaming = EventNaming()
    ) throws(EventDecodingError) -> DomainEvent {
        let headers = record.headers.map { ($0.name, $0.value) }
        guard let type = naming.topic(named: record.topic).flatMap(EventType.fromOutside(through:)) else {
            return try event(headers: headers, value: record.value ?? [])
        }
        let milliseconds = Double(record.record.timestampMilliseconds ?? 0)
        return event(
            fromOutside: type, headers: headers, value: record.value ?? [],
            place: "\(record.topic)/\(record.partition)/\(record.offset)", key: record.key ?? [],
            writtenAt: Date(timeIntervalSince1970: milliseconds / 1000))
    }

    /// One that others publish: the data says all, and headers are taken for what they are where they are there.
    static func event(
        fromOutside type: EventType, headers: [(name: String, value: [UInt8])], value: [UInt8], place: String,
        key: [UInt8], writtenAt: Date
    ) -> DomainEvent {
        let known = (try? attributes(of: headers)) ?? Attributes()
        return DomainEvent(
            id: known.id ?? place, type: type, aggregateID: known.subject ?? String(decoding: key, as: UTF8.self),
            version: known.aggregateVersion.flatMap { Int64($0) } ?? 0, payload: value,
            occurredAt: known.time.flatMap(InternetTime.init)?.date ?? writtenAt, trace: known.trace)
    }

    /// Whether it is another deployment's, which has the same topics by mistake.
    static func isForeign(_ record: KafkaConsumedRecord, naming: EventNaming) -> Bool {
        guard let source = record.header("ce_source").map({ String(decoding: $0, as: UTF8.self) }) else { return false }
        return source != naming.source && source.hasPrefix("quartet")
    }

    /// - Throws: `EventDecodingError` that says what is wrong, without the data.
    static func event(
        headers: [(name: String, value: [UInt8])], value: [UInt8]
    ) throws(EventDecodingError) -> DomainEvent {
        let attributes = try attributes(of: headers)
        guard let version = attributes.specVersion else { throw EventDecodingError(reason: "no header ce_specversion") }
        guard version.hasPrefix("1.") else { throw EventDecodingError(reason: "not a version of CloudEvents 1") }
        guard let id = attributes.id, !id.isEmpty else { throw EventDecodingError(reason: "no header ce_id") }
        guard let typeName = attributes.type else { throw EventDecodingError(reason: "no header ce_type") }
        guard let type = EventType.named(typeName) else {
            throw EventDecodingError(reason: "ce_type is none that this build knows")
        }
        guard let subject = attributes.subject, !subject.isEmpty else {
            throw EventDecodingError(reason: "no header ce_subject")
        }
        guard let time = attributes.time, let occurredAt = InternetTime(time)?.date else {
            throw EventDecodingError(reason: "no time in header ce_time")
        }
        guard let text = attributes.aggregateVersion, let aggregateVersion = Int64(text), aggregateVersion >= 0 else {
            throw EventDecodingError(reason: "no whole number from 0 on in header ce_aggregateversion")
        }
        return DomainEvent(
            id: id, type: type, aggregateID: subject, version: aggregateVersion, payload: value,
            occurredAt: occurredAt, trace: attributes.trace)
    }

    private static func attributes(of headers: [(name: String, value: [UInt8])]) throws(EventDecodingError)
        -> Attributes
    {
        var attributes = Attributes()
        for header in headers where header.name.hasPrefix("ce_") {
            guard let text = String(validating: header.value, as: UTF8.self) else {
                throw EventDecodingError(reason: "a ce_ header is not UTF-8")
            }
            switch header.name {
            case "ce_specversion": attributes.specVersion = text
            case "ce_id": attributes.id = text
            case "ce_type": attributes.type = text
            case "ce_subject": attributes.subject = text
            case "ce_time": attributes.time = text
            case "ce_aggregateversion": attributes.aggregateVersion = text
            case "ce_traceparent": attributes.trace = text
            default: break
            }
        }
        return attributes
    }
}
