import CRDKafka
import ClientSupport

extension ClientHandle {
    /// The names of all topics; blocks its queue for `deadline` at most.
    func topicNames(deadline: Deadline, context: ClientContext) throws(KafkaError) -> Set<String> {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client, 1, nil, &metadata, max(1, deadline.remainingMilliseconds))
        defer { if let metadata { rd_kafka_metadata_destroy(metadata) } }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
            throw KafkaError(code, "look up topics", outage: context.outageReason)
        }
        context.succeeded()
        let topics = UnsafeBufferPointer(start: metadata.pointee.topics, count: Int(metadata.pointee.topic_cnt))
        return Set(topics.filter { $0.err == RD_KAFKA_RESP_ERR_NO_ERROR }.map { String(cString: $0.topic) })
    }

    /// Asks the controller to make topics; blocks its queue for `deadline` at most.
    func make(
        _ topics: [KafkaTopic], deadline: Deadline, context: ClientContext
    ) throws(KafkaError) -> [String: KafkaTopicOutcome] {
        var wanted: [OpaquePointer?] = []
        defer { for topic in wanted { rd_kafka_NewTopic_destroy(topic) } }
        for topic in topics { wanted.append(try newTopic(topic)) }
        let options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        let limit = max(1, deadline.remainingMilliseconds)
        rd_kafka_AdminOptions_set_request_timeout(options, limit, nil, 0)
        // Until then the broker waits for the topics to be there on every node.
        rd_kafka_AdminOptions_set_operation_timeout(options, limit, nil, 0)
        let answers = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(answers) }
        rd_kafka_CreateTopics(client, &wanted, wanted.count, options, answers)
        // It answers by itself when its time is over.
        let answer = rd_kafka_queue_poll(answers, limit + 1000)
        defer { if let answer { rd_kafka_event_destroy(answer) } }
        poll()
        let code = answer.map { rd_kafka_event_error($0) } ?? RD_KAFKA_RESP_ERR__TIMED_OUT
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let result = rd_kafka_event_CreateTopics_result(answer) else {
            let message = answer.flatMap { rd_kafka_event_error_string($0) }.map { String(cString: $0) }
            throw KafkaError(code, "make topics", message: message, outage: context.outageReason)
        }
        return Self.outcomes(of: result)
    }

    private func newTopic(_ topic: KafkaTopic) throws(KafkaError) -> OpaquePointer {
        var text = [CChar](repeating: 0, count: 512)
        guard
            let new = rd_kafka_NewTopic_new(
                topic.name, Int32(topic.partitions), Int32(topic.replicas ?? -1), &text, text.count)
        else { throw .refusedConfiguration("topic \(topic.name): \(text.withUnsafeBufferPointer(string))") }
        for (key, value) in topic.settings { rd_kafka_NewTopic_set_config(new, key, value) }
        return new
    }

    private static func outcomes(of result: OpaquePointer) -> [String: KafkaTopicOutcome] {
        var count = 0
        let first = rd_kafka_CreateTopics_result_topics(result, &count)
        var outcomes: [String: KafkaTopicOutcome] = [:]
        for case let topic? in UnsafeBufferPointer(start: first, count: count) {
            let name = String(cString: rd_kafka_topic_result_name(topic))
            let code = rd_kafka_topic_result_error(topic)
            switch code {
            case RD_KAFKA_RESP_ERR_NO_ERROR: outcomes[name] = .made
            case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: outcomes[name] = .wasThere
            default:
                let message = rd_kafka_topic_result_error_string(topic).map { String(cString: $0) }
                outcomes[name] = .refused(KafkaError(code, "make topic \(name)", message: message))
            }
        }
        return outcomes
    }
}
