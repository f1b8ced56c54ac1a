import CRDKafka
import ClientSupport

extension ClientHandle {
    func subscribe(to topics: [String]) throws(KafkaError) {
        let code = PartitionList(topics: topics).withPointer { rd_kafka_subscribe(client, $0) }
        try check(code, "subscribe to \(topics.joined(separator: ", "))")
    }

    func assign(_ offsets: [KafkaOffset]) throws(KafkaError) {
        let code = PartitionList(offsets).withPointer { rd_kafka_assign(client, $0) }
        try check(code, "assign partitions")
    }

    /// Asks for a commit whose answer arrives with `serveReplies`, under `id`.
    func commit(_ offsets: [KafkaOffset], id: UInt64) throws(KafkaError) {
        let opaque = UnsafeMutableRawPointer(bitPattern: UInt(id))
        let code = PartitionList(offsets).withPointer {
            rd_kafka_commit_queue(client, $0, replies, offsetsCommitted, opaque)
        }
        try check(code, "commit")
    }

    /// Serves the answers to commits that have come; does not wait.
    func serveReplies() {
        guard let replies else { return }
        rd_kafka_queue_poll_callback(replies, 0)
    }

    /// What has been fetched, at most `max` records; does not wait. Rebalances happen in here.
    ///
    /// - Returns: the records before the first error, and that error.
    func takeRecords(max: Int, context: ConsumerContext) -> (records: [KafkaConsumedRecord], failure: KafkaError?) {
        var records: [KafkaConsumedRecord] = []
        var topics = TopicNames()
        while records.count < max, let message = rd_kafka_consumer_poll(client, 0) {
            defer { rd_kafka_message_destroy(message) }
            let topic = topics.name(of: message.pointee.rkt, revocations: context.counters.partitionsRevoked)
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                if let failure = judge(message, topic, context) { return (records, failure) }
                continue
            }
            let position = KafkaPartition(topic: topic, partition: message.pointee.partition)
            // Fetched under an assignment that has ended: the partition's new owner reads it.
            guard let generation = context.generations[position] else { continue }
            records.append(
                KafkaConsumedRecord(
                    record: KafkaRecord(message, topic: topic), partition: message.pointee.partition,
                    offset: message.pointee.offset, generation: generation))
        }
        if !records.isEmpty { context.succeeded() }
        return (records, nil)
    }

    /// What an error among the records means: nil where librdkafka goes on by itself, which is told once.
    private func judge(
        _ message: UnsafeMutablePointer<rd_kafka_message_t>, _ topic: String, _ context: ConsumerContext
    ) -> KafkaError? {
        let code = message.pointee.err
        if code == RD_KAFKA_RESP_ERR__PARTITION_EOF { return nil }
        let text = rd_kafka_message_errstr(message).map { String(cString: $0) }
        let error = KafkaError(code, topic.isEmpty ? "poll" : "poll \(topic)", message: text)
        if code == RD_KAFKA_RESP_ERR__FATAL { context.failedForGood(error) }
        guard error.isRetriable, code != RD_KAFKA_RESP_ERR__FATAL else { return error }
        if error.isUnavailable {
            context.failed(code, text ?? error.message)
        } else {
            context.hiccup(error)
        }
        return nil
    }

    /// The oldest and the next offset of a partition, asked of its leader; blocks its queue for `deadline` at most.
    func watermarks(
        topic: String, partition: Int32, deadline: Deadline, context: ClientContext
    ) throws(KafkaError) -> KafkaWatermarks {
        var (low, high): (Int64, Int64) = (0, 0)
        let code = rd_kafka_query_watermark_offsets(
            client, topic, partition, &low, &high, max(1, deadline.remainingMilliseconds))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code, "watermarks of \(topic)[\(partition)]", outage: context.outageReason)
        }
        return KafkaWatermarks(partition: partition, low: low, high: high)
    }

    /// The offsets that the group has committed, negative where there are none, in the order of `partitions`; asked of its
    /// coordinator; blocks its queue for `deadline` at most.
    func committed(
        of partitions: [KafkaPartition], deadline: Deadline, context: ClientContext
    ) throws(KafkaError) -> [Int64] {
        let (code, found) = PartitionList(partitions.map { KafkaOffset($0, offset: 0) }).withPointer { list in
            (rd_kafka_committed(client, list, max(1, deadline.remainingMilliseconds)), entries(of: list))
        }
        let failed = found.map(\.code).first { $0 != RD_KAFKA_RESP_ERR_NO_ERROR }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, failed == nil else {
            throw KafkaError(failed ?? code, "positions of a group", outage: context.outageReason)
        }
        return found.map(\.offset.offset)
    }

    /// Begins to leave the group: from now on rebalances arrive where `takeRecords` looks.
    mutating func startLeaving() {
        guard let queue = addClosing() else { return }
        if let error = rd_kafka_consumer_close_queue(client, queue) { rd_kafka_error_destroy(error) }
    }

    var hasLeft: Bool { rd_kafka_consumer_closed(client) != 0 }

    private func check(_ code: rd_kafka_resp_err_t, _ operation: String) throws(KafkaError) {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation) }
    }
}

/// Remembers the last topic's name: records of one topic come in runs. A revocation may free a topic, and another may
/// then have its address.
private struct TopicNames {
    private var last: (topic: OpaquePointer, revocations: Int, name: String)?

    mutating func name(of topic: OpaquePointer?, revocations: Int) -> String {
        guard let topic else { return "" }
        if let last, last.topic == topic, last.revocations == revocations { return last.name }
        let name = String(cString: rd_kafka_topic_name(topic))
        last = (topic, revocations, name)
        return name
    }
}

extension KafkaRecord {
    /// A copy of what librdkafka received.
    fileprivate init(_ message: UnsafeMutablePointer<rd_kafka_message_t>, topic: String) {
        let fetched = message.pointee
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        self.init(
            topic: topic, partition: fetched.partition,
            key: fetched.key.map { Array(UnsafeRawBufferPointer(start: $0, count: fetched.key_len)) },
            value: fetched.payload.map { Array(UnsafeRawBufferPointer(start: $0, count: fetched.len)) },
            headers: Self.headers(of: message),
            timestampMilliseconds: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : timestamp)
    }

    private static func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> [KafkaHeader] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        return (0..<rd_kafka_header_cnt(list)).compactMap { index in
            var (name, value): (UnsafePointer<CChar>?, UnsafeRawPointer?)
            var size = 0
            guard rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let name
            else { return nil }
            return KafkaHeader(
                String(cString: name), value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) } ?? [])
        }
    }
}
