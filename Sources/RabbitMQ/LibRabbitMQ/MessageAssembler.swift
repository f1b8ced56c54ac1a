import CRabbitMQ

/// What the server sends of its own accord.
enum Incoming {
    case delivery(Envelope, [RabbitHeader], [UInt8])
    case returned(reason: String, correlation: String?)
    case confirmed(tag: UInt64, isMultiple: Bool, isTaken: Bool)
    case consumerEnded
    case closed(RabbitError)
}

struct Envelope {
    let tag: UInt64
    let isRedelivered: Bool
    let exchange: String
    let routingKey: String
}

/// Puts messages together from frames: a method, a header that says how long the body is, the body in parts. What is not in
/// that order, or longer than it may be, is refused before room is made for it.
struct MessageAssembler {
    private enum Kind {
        case delivery(Envelope)
        case returned(reason: String)
    }

    private enum State {
        case idle
        case header(Kind)
        case body(Kind, [RabbitHeader], correlation: String?, size: Int, [UInt8])
    }

    private let messageBytesMax: Int
    private var state = State.idle

    init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
    }

    /// A message's header comes next: the answer to a call told of it.
    mutating func expectMessage(_ envelope: Envelope) {
        state = .header(.delivery(envelope))
    }

    /// Takes a frame in; returns what it completes.
    mutating func take(_ frame: amqp_frame_t) throws(RabbitError) -> Incoming? {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD: return try take(frame.payload.method)
        case AMQP_FRAME_HEADER: return try takeHeader(frame)
        case AMQP_FRAME_BODY: return try takeBody(frame.payload.body_fragment)
        default: return nil
        }
    }

    private mutating func take(_ method: amqp_method_t) throws(RabbitError) -> Incoming? {
        if let closed = RabbitError(closing: method) { return .closed(closed) }
        guard case .idle = state else { throw Self.violation("a method in the midst of a message") }
        guard let decoded = method.decoded else { return nil }
        switch method.id {
        case quartet_amqp_basic_deliver:
            let deliver = decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            state = .header(
                .delivery(
                    Envelope(
                        tag: deliver.delivery_tag, isRedelivered: deliver.redelivered != 0,
                        exchange: deliver.exchange.text, routingKey: deliver.routing_key.text)))
        case quartet_amqp_basic_return:
            let returned = decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            state = .header(.returned(reason: returned.reply_text.text))
        case quartet_amqp_basic_ack:
            let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            return .confirmed(tag: ack.delivery_tag, isMultiple: ack.multiple != 0, isTaken: true)
        case quartet_amqp_basic_nack:
            let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            return .confirmed(tag: nack.delivery_tag, isMultiple: nack.multiple != 0, isTaken: false)
        case quartet_amqp_basic_cancel: return .consumerEnded
        default: return nil
        }
        return nil
    }

    private mutating func takeHeader(_ frame: amqp_frame_t) throws(RabbitError) -> Incoming? {
        guard case .header(let kind) = state else { throw Self.violation("a header without its message") }
        let header = frame.payload.properties
        guard header.body_size <= UInt64(messageBytesMax) else {
            throw Self.violation(
                "a message of \(header.body_size) bytes, more than the \(messageBytesMax) that are taken")
        }
        var headers: [RabbitHeader] = []
        var correlation: String?
        if let decoded = header.decoded {
            let properties = decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
            if properties._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 {
                headers = FieldTable.headers(properties.headers)
            }
            if properties._flags & UInt32(AMQP_BASIC_CORRELATION_ID_FLAG) != 0 {
                correlation = properties.correlation_id.text
            }
        }
        return complete(kind, headers, correlation: correlation, size: Int(header.body_size), [])
    }

    private mutating func takeBody(_ fragment: amqp_bytes_t) throws(RabbitError) -> Incoming? {
        guard case .body(let kind, let headers, let correlation, let size, var body) = state else {
            throw Self.violation("a body without its message")
        }
        // Or there would be two owners, and the bytes were copied.
        state = .idle
        guard fragment.len <= size - body.count else { throw Self.violation("a body longer than its header says") }
        if let bytes = fragment.bytes {
            body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: fragment.len))
        }
        return complete(kind, headers, correlation: correlation, size: size, body)
    }

    private mutating func complete(
        _ kind: Kind, _ headers: [RabbitHeader], correlation: String?, size: Int, _ body: [UInt8]
    ) -> Incoming? {
        guard body.count == size else {
            state = .body(kind, headers, correlation: correlation, size: size, body)
            return nil
        }
        state = .idle
        return switch kind {
        case .delivery(let envelope): .delivery(envelope, headers, body)
        case .returned(let reason): .returned(reason: reason, correlation: correlation)
        }
    }

    private static func violation(_ what: String) -> RabbitError {
        RabbitError(.protocolViolation, "the server sent \(what)")
    }
}
