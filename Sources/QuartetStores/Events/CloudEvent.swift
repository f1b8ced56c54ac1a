import Foundation
import Kafka
import QuartetCore

/// Domain events as CloudEvents in Kafka's binary mode: attributes are headers, the value is the data alone.
///
/// Source: CloudEvents 1.0.2 and its Kafka protocol binding 1.0.2, section 3.2.
enum CloudEvent {
    /// What the value holds; other fields are let be.
    private struct Payload: Decodable {
        enum CodingKeys: String, CodingKey {
            case productID = "product_id"
            case generation, version
        }

        let productID: String
        let generation: Int
        let version: Int64

        /// - Returns: nil where the value is not JSON with these fields.
        static func read(_ value: [UInt8]) -> Payload? {
            Payload(asWritten: value) ?? (try? JSONDecoder().decode(Payload.self, from: Data(value)))
        }

        /// Reads what ``record(of:)`` writes, byte for byte, at a tenth of what a decoder of any JSON costs.
        private init?(asWritten value: [UInt8]) {
            var rest = value[...]
            func skip(_ text: StaticString) -> Bool {
                let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
                guard rest.starts(with: expected) else { return false }
                rest = rest.dropFirst(expected.count)
                return true
            }
            func number() -> Int64? {
                let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                rest = rest[digits.endIndex...]
                guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
                return Int64(String(decoding: digits, as: UTF8.self))
            }
            guard skip(#"{"product_id":""#) else { return nil }
            let name = rest.prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
            rest = rest[name.endIndex...]
            guard skip(#"","generation":"#), let generation = number(), skip(#","version":"#), let version = number(),
                skip("}"), rest.isEmpty, let productID = String(validating: name, as: UTF8.self)
            else { return nil }
            (self.productID, self.generation, self.version) = (productID, Int(generation), version)
        }
    }

    private struct Attributes {
        var specVersion, id, type, subject, time: String?
    }

    static func record(of event: DomainEvent) -> KafkaRecord {
        let value = JSONWriter.object(capacity: 96) { json in
            json.field("product_id", event.productID.text)
            json.field("generation", event.generation)
            json.field("version", event.version)
        }
        return KafkaRecord(
            topic: event.type.topic.rawValue, key: Array(event.aggregateID.utf8), value: value,
            headers: [
                KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", event.id),
                KafkaHeader("ce_source", "quartet"), KafkaHeader("ce_type", event.type.rawValue),
                KafkaHeader("ce_subject", event.aggregateID), KafkaHeader("ce_time", Timestamp.text(event.occurredAt)),
                // Names of extensions are lowercase letters and digits.
                KafkaHeader("ce_aggregateversion", String(event.version)),
                KafkaHeader("content-type", "application/json"),
            ])
    }

    /// - Throws: `EventDecodingError` that says what is wrong, without the data.
    static func event(of record: KafkaConsumedRecord) throws(EventDecodingError) -> DomainEvent {
        let attributes = try attributes(of: record)
        guard let version = attributes.specVersion else { throw EventDecodingError(reason: "no header ce_specversion") }
        guard version.hasPrefix("1.") else { throw EventDecodingError(reason: "not a version of CloudEvents 1") }
        guard let id = attributes.id, !id.isEmpty else { throw EventDecodingError(reason: "no header ce_id") }
        guard let typeName = attributes.type else { throw EventDecodingError(reason: "no header ce_type") }
        guard let type = EventType(rawValue: typeName) else { throw EventDecodingError(reason: "unknown ce_type") }
        guard let subject = attributes.subject, !subject.isEmpty else {
            throw EventDecodingError(reason: "no header ce_subject")
        }
        guard let time = attributes.time, let occurredAt = Timestamp.date(time) else {
            throw EventDecodingError(reason: "no time in header ce_time")
        }
        guard let payload = Payload.read(record.value ?? []) else {
            throw EventDecodingError(reason: "value is not JSON with product_id, generation and version")
        }
        guard payload.version >= 0, payload.generation >= 0 else {
            throw EventDecodingError(reason: "version or generation is below 0")
        }
        guard let productID = ProductID(payload.productID) else {
            throw EventDecodingError(reason: "product_id is no product's id")
        }
        return DomainEvent(
            id: id, type: type, aggregateID: subject, version: payload.version, productID: productID,
            generation: payload.generation, occurredAt: occurredAt)
    }

    private static func attributes(of record: KafkaConsumedRecord) throws(EventDecodingError) -> Attributes {
        var attributes = Attributes()
        for header in record.headers where header.name.hasPrefix("ce_") {
            guard let text = String(validating: header.value, as: UTF8.self) else {
                throw EventDecodingError(reason: "a ce_ header is not UTF-8")
            }
            switch header.name {
            case "ce_specversion": attributes.specVersion = text
            case "ce_id": attributes.id = text
            case "ce_type": attributes.type = text
            case "ce_subject": attributes.subject = text
            case "ce_time": attributes.time = text
            default: break
            }
        }
        return attributes
    }
}
