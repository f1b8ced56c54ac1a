import CRabbitMQ
import ClientSupport

extension ConnectionHandle {
    // MARK: Sending

    /// From here on the server tells of each message that it has it.
    func confirmMessages() throws(RabbitError) {
        _ = amqp_confirm_select(state, Self.channel)
        try check("ask for confirms")
    }

    /// Why a message can't be sent; one that is sent in part ends the connection.
    func refusal(of message: RabbitMessage, bytesMax: Int) -> RabbitError? {
        let names = [message.exchange, message.routingKey, message.contentType] + message.headers.map(\.name)
        if names.contains(where: { $0.utf8.count > FieldTable.nameBytesMax }) {
            return RabbitError(.invalid, "a name or routing key has more than \(FieldTable.nameBytesMax) bytes")
        }
        // All headers go in one frame, with room for the other properties.
        if FieldTable.size(message.headers) > frameBytesMax - 1024 {
            return RabbitError(.invalid, "the headers of a message have more than \(frameBytesMax - 1024) bytes")
        }
        if message.body.count > bytesMax { return RabbitError(.invalid, "a message has more than \(bytesMax) bytes") }
        return nil
    }

    /// - Parameter correlation: comes back with a message that no queue is bound for.
    func publish(_ message: RabbitMessage, correlation: UInt64) throws(RabbitError) {
        let status = FieldTable(message.headers).withTable { headers in
            String(correlation).withAMQPBytes { correlation in
                message.contentType.withAMQPBytes { contentType in
                    let expiration = message.expiration.map { String(max(0, $0.wholeMilliseconds)) } ?? ""
                    return expiration.withAMQPBytes { expiration in
                        var properties = amqp_basic_properties_t()
                        properties._flags = UInt32(
                            AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_HEADERS_FLAG
                                | AMQP_BASIC_CORRELATION_ID_FLAG)
                        properties.content_type = contentType
                        properties.delivery_mode = UInt8(AMQP_DELIVERY_PERSISTENT.rawValue)
                        properties.headers = headers
                        properties.correlation_id = correlation
                        if message.expiration != nil {
                            properties._flags |= UInt32(AMQP_BASIC_EXPIRATION_FLAG)
                            properties.expiration = expiration
                        }
                        return send(message, &properties)
                    }
                }
            }
        }
        try checkSent(status, "publish")
    }

    private func send(_ message: RabbitMessage, _ properties: inout amqp_basic_properties_t) -> Int32 {
        message.exchange.withAMQPBytes { exchange in
            message.routingKey.withAMQPBytes { key in
                message.body.withUnsafeBytes { body in
                    amqp_basic_publish(
                        state, Self.channel, exchange, key, message.isMandatory ? 1 : 0, 0, &properties,
                        amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
                }
            }
        }
    }

    // MARK: Taking

    /// Has the queue's messages sent, as many at once as may be unacknowledged.
    func consume(_ queue: String, prefetch: UInt16) throws(RabbitError) {
        _ = amqp_basic_qos(state, Self.channel, 0, prefetch, 0)
        try check("limit what is sent ahead")
        _ = queue.withAMQPBytes {
            amqp_basic_consume(state, Self.channel, $0, amqp_empty_bytes, 0, 0, 0, amqp_empty_table)
        }
        try check("consume the queue \(queue)")
    }

    /// Takes the first message of a queue, without acknowledging it; nil where there is none.
    mutating func get(_ queue: String) throws(RabbitError) -> Incoming? {
        let reply = queue.withAMQPBytes { amqp_basic_get(state, Self.channel, $0, 0) }
        try check(reply, "take from the queue \(queue)")
        guard reply.reply.id == quartet_amqp_basic_get_ok, let decoded = reply.reply.decoded else { return nil }
        let got = decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee
        assembler.expectMessage(
            Envelope(
                tag: got.delivery_tag, isRedelivered: got.redelivered != 0, exchange: got.exchange.text,
                routingKey: got.routing_key.text))
        return try restOfMessage()
    }

    func acknowledge(_ tag: UInt64, andBefore isMultiple: Bool) throws(RabbitError) {
        let deadline = Deadline.after(operationTimeout)
        let status = watch.call(until: deadline) { amqp_basic_ack(state, Self.channel, tag, isMultiple ? 1 : 0) }
        try checkSent(status, "acknowledge")
    }
}
