import Kafka
import QuartetCore

/// A delivery as it is put aside: the record with headers that say why it is here and whence it came.
enum DeadLetterRecord {
    /// How many bytes of it are tried, one after the other: headers come on top of what its own topic took. In the end none.
    static let sizes = [Int.max, 65_536, 0]

    /// - Parameter bytesMax: of the value, and of key and headers together; what does not fit is left out, and the header
    ///   `dlq_truncated` says how long the value was.
    static func make(of delivery: EventDelivery, reason: String, passes: Bool, bytesMax: Int) -> KafkaRecord {
        let attributes = delivery.key.count + delivery.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.count }
        let keepsAttributes = attributes <= bytesMax
        var headers =
            keepsAttributes
            ? DeadLetter.headers(of: delivery, passes: passes).map { KafkaHeader($0.name, $0.value) } : []
        headers += [
            KafkaHeader("dlq_reason", reason), KafkaHeader("dlq_partition", String(delivery.partition)),
            KafkaHeader("dlq_offset", String(delivery.offset)),
        ]
        if !keepsAttributes || delivery.value.count > bytesMax {
            headers.append(KafkaHeader("dlq_truncated", String(delivery.value.count)))
        }
        return KafkaRecord(
            topic: delivery.topic + ".dlq", key: delivery.key.isEmpty || !keepsAttributes ? nil : delivery.key,
            value: Array(delivery.value.prefix(bytesMax)), headers: headers)
    }
}
