/// A message's header.
package struct RabbitHeader: Sendable, Hashable {
    package enum Value: Sendable, Hashable {
        case text([UInt8])
        case integer(Int64)
        case flag(Bool)
        /// One of a kind that this client does not read: tables, lists, fractions.
        case other
    }

    package let name: String
    package let value: Value

    package init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    package init(_ name: String, _ text: String) {
        self.init(name, .text(Array(text.utf8)))
    }
}

/// A message to be published. It is kept on disk by durable queues.
package struct RabbitMessage: Sendable, Hashable {
    /// Empty for the one that every queue is bound to by its name.
    package var exchange: String
    package var routingKey: String
    package var headers: [RabbitHeader]
    package var body: [UInt8]
    /// Whether it is an error that no queue is bound for it.
    package var isMandatory: Bool
    package var contentType = "application/json"
    /// After this long in a queue it goes on to the queue's dead letter exchange, if any.
    package var expiration: Duration?

    package init(
        exchange: String, routingKey: String, headers: [RabbitHeader] = [], body: [UInt8], isMandatory: Bool = true
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.headers = headers
        self.body = body
        self.isMandatory = isMandatory
    }
}

/// A message as a queue gave it.
package struct RabbitDelivery: Sendable, Hashable {
    /// What it is acknowledged by, together with the connection that it came on.
    package let tag: UInt64
    /// Counts the connections of whoever took it: tags begin again with each.
    package let connection: UInt64
    package let isRedelivered: Bool
    package let exchange: String
    package let routingKey: String
    package let headers: [RabbitHeader]
    package let body: [UInt8]

    /// The last text of that name; nil where there is none.
    package func text(_ name: String) -> String? {
        for header in headers.reversed() where header.name == name {
            guard case .text(let bytes) = header.value else { return nil }
            return String(validating: bytes, as: UTF8.self)
        }
        return nil
    }

    package func integer(_ name: String) -> Int64? {
        for header in headers.reversed() where header.name == name {
            guard case .integer(let number) = header.value else { return nil }
            return number
        }
        return nil
    }
}
