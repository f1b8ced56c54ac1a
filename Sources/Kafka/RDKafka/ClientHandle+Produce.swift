import CRDKafka
import ClientSupport

/// What librdkafka said to one record.
enum ProduceOutcome {
    case queued
    case full
    case refused(KafkaError)
}

extension ClientHandle {
    /// Serves delivery reports and errors that have come; does not wait.
    func poll() {
        rd_kafka_poll(client, 0)
    }

    /// Hands one record over, copied. Never blocks.
    func produce(_ record: KafkaRecord, opaque: UnsafeMutableRawPointer?, context: ClientContext) -> ProduceOutcome {
        let headers = makeHeaders(record.headers)
        let error = record.topic.withCString { topic in
            withMemory(record.key) { key in
                withMemory(record.value) { value in
                    withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
                        var count = 0
                        func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t) -> Void) {
                            var argument = rd_kafka_vu_t()
                            argument.vtype = type
                            set(&argument)
                            arguments.initializeElement(at: count, to: argument)
                            count += 1
                        }
                        add(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = topic }
                        add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = copyPayload }
                        add(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = opaque }
                        add(RD_KAFKA_VTYPE_VALUE) { $0.u.mem = .init(ptr: value.start, size: value.count) }
                        add(RD_KAFKA_VTYPE_KEY) { $0.u.mem = .init(ptr: key.start, size: key.count) }
                        if let partition = record.partition {
                            add(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition }
                        }
                        if let timestamp = record.timestampMilliseconds {
                            add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = timestamp }
                        }
                        if let headers { add(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = headers } }
                        return rd_kafka_produceva(client, arguments.baseAddress, count)
                    }
                }
            }
        }
        guard let error else { return .queued }
        // Headers belong to the message only once it is queued.
        if let headers { rd_kafka_headers_destroy(headers) }
        let code = rd_kafka_error_code(error)
        let failure = KafkaError(taking: error, "send to \(record.topic)", outage: context.outageReason)
        if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return .full }
        if code == RD_KAFKA_RESP_ERR__FATAL { context.failedForGood(failure) }
        return .refused(failure)
    }

    private func makeHeaders(_ headers: [KafkaHeader]) -> OpaquePointer? {
        guard !headers.isEmpty else { return nil }
        let list = rd_kafka_headers_new(headers.count)
        for header in headers {
            header.value.withUnsafeBytes { value in
                // An empty value differs from none, so its pointer must not be null.
                let start = value.baseAddress ?? UnsafeRawPointer(emptyMemory)
                _ = rd_kafka_header_add(list, header.name, -1, start, value.count)
            }
        }
        return list
    }

    /// Raises an error after which the client can do no more, as tests need it; brokers seldom give one.
    func raiseFatalError() {
        rd_kafka_test_fatal_error(client, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "raised by a test")
    }

    /// Drops what is queued and gives up on what is in flight; the reports say so. Blocks for `limit` at most.
    func purge(limit: Deadline) {
        rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        while rd_kafka_outq_len(client) > 0, !limit.isPast {
            rd_kafka_poll(client, min(50, limit.remainingMilliseconds))
        }
    }
}

/// `RD_KAFKA_MSG_F_COPY`.
private let copyPayload: Int32 = 0x2

/// Bytes as librdkafka wants them: null for none, not null for an empty array.
private struct Memory {
    let start: UnsafeMutableRawPointer?
    let count: Int
}

/// Never read; empty keys and values need an address.
private nonisolated(unsafe) let emptyMemory = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)

private func withMemory<Value>(_ bytes: [UInt8]?, _ body: (Memory) -> Value) -> Value {
    guard let bytes else { return body(Memory(start: nil, count: 0)) }
    return bytes.withUnsafeBytes { buffer in
        body(
            Memory(
                start: buffer.baseAddress.map(UnsafeMutableRawPointer.init(mutating:)) ?? emptyMemory,
                count: buffer.count))
    }
}
