import CRabbitMQ

extension ConnectionHandle {
    /// What came of declaring.
    struct Declared {
        /// The queues that were not there before.
        var made: [String] = []
        /// Of queues that are there with other properties: those are left as they are, and bound.
        var refusals: [RabbitError] = []
    }

    /// Declares what there is to be. What somebody has declared otherwise does not keep the rest from being there.
    mutating func declare(_ topology: RabbitTopology) throws(RabbitError) -> Declared {
        for exchange in topology.exchanges {
            exchange.name.withAMQPBytes { name in
                exchange.kind.rawValue.withAMQPBytes { kind in
                    _ = amqp_exchange_declare(state, Self.channel, name, kind, 0, 1, 0, 0, amqp_empty_table)
                }
            }
            try check("declare the exchange \(exchange.name)")
        }
        var declared = Declared()
        for queue in topology.queues {
            let isNew = try look(at: queue.name) == nil
            FieldTable(queue.arguments).withTable { arguments in
                queue.name.withAMQPBytes { _ = amqp_queue_declare(state, Self.channel, $0, 0, 1, 0, 0, arguments) }
            }
            do throws(RabbitError) {
                try check("declare the queue \(queue.name)")
                if isNew { declared.made.append(queue.name) }
            } catch {
                guard error.code == .preconditionFailed, !isNew else { throw error }
                declared.refusals.append(error)
                try reopenChannel()
            }
        }
        for binding in topology.bindings {
            binding.queue.withAMQPBytes { queue in
                binding.exchange.withAMQPBytes { exchange in
                    binding.routingKey.withAMQPBytes { key in
                        _ = amqp_queue_bind(state, Self.channel, queue, exchange, key, amqp_empty_table)
                    }
                }
            }
            try check("bind the queue \(binding.queue)")
        }
        return declared
    }

    /// What a queue has; nil where there is none.
    mutating func look(at queue: String) throws(RabbitError) -> RabbitQueueState? {
        let answer = queue.withAMQPBytes { amqp_queue_declare(state, Self.channel, $0, 1, 1, 0, 0, amqp_empty_table) }
        if let answer {
            return RabbitQueueState(
                name: queue, messages: Int(answer.pointee.message_count), consumers: Int(answer.pointee.consumer_count))
        }
        do throws(RabbitError) {
            try check("look at the queue \(queue)")
        } catch {
            guard error.code == .notFound else { throw error }
            try reopenChannel()
        }
        return nil
    }
}
