/// Exchanges, queues and what binds them: all durable. Declaring what is there already changes nothing.
package struct RabbitTopology: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case topic, direct, fanout
    }

    package struct Exchange: Sendable, Hashable {
        package let name: String
        package let kind: Kind

        package init(_ name: String, _ kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    package struct Queue: Sendable, Hashable {
        package let name: String
        package let arguments: [RabbitHeader]

        package init(_ name: String, arguments: [RabbitHeader] = []) {
            self.name = name
            self.arguments = arguments
        }
    }

    package struct Binding: Sendable, Hashable {
        package let queue: String
        package let exchange: String
        package let routingKey: String

        package init(queue: String, to exchange: String, for routingKey: String) {
            self.queue = queue
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    package var exchanges: [Exchange] = []
    package var queues: [Queue] = []
    package var bindings: [Binding] = []

    package init() {}

    /// What concerns one queue alone, its exchanges included.
    package func of(queue name: String) -> RabbitTopology {
        var part = RabbitTopology()
        part.exchanges = exchanges
        part.queues = queues.filter { $0.name == name }
        part.bindings = bindings.filter { $0.queue == name }
        return part
    }
}

/// A queue as the server has it.
package struct RabbitQueueState: Sendable, Hashable {
    package let name: String
    /// Those ready to be delivered.
    package let messages: Int
    package let consumers: Int

    package init(name: String, messages: Int, consumers: Int) {
        (self.name, self.messages, self.consumers) = (name, messages, consumers)
    }
}
