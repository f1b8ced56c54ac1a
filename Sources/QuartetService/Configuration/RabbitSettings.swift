import QuartetCore
import QuartetStores
import RabbitMQ

package enum RabbitQueueType: String, Sendable, CaseIterable {
    /// On one node.
    case classic
    /// On several nodes of a cluster.
    case quorum
}

/// How RabbitMQ is reached and used.
package struct RabbitSettings: Sendable {
    /// amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps://. Secret. Needed where events go over RabbitMQ.
    package var url = ""
    package var connectTimeout: Duration = .seconds(5)
    package var operationTimeout: Duration = .seconds(10)
    package var heartbeat: Duration = .seconds(10)
    /// Messages that each consumer has and has not acknowledged.
    package var prefetch = 1000
    /// Of each queue that is declared. One that is there stays what it is.
    package var queueType = RabbitQueueType.classic
    package var triesMax = 5
    package var retryDelay: Duration = .seconds(10)
    /// With amqps.
    package var files = TLSFiles()

    package init() {}

    mutating func read(from reader: inout SettingsReader) throws {
        url = try reader.secret("rabbitmq.url", url)
        connectTimeout = try reader.duration("rabbitmq.connect_timeout", connectTimeout)
        operationTimeout = try reader.duration("rabbitmq.operation_timeout", operationTimeout)
        heartbeat = try reader.duration("rabbitmq.heartbeat", heartbeat, in: .seconds(1)...(.seconds(3600)))
        prefetch = try reader.integer("rabbitmq.prefetch", prefetch, in: 1...65_535)
        queueType = try reader.choice("rabbitmq.queue_type", queueType)
        triesMax = try reader.integer("rabbitmq.tries_max", triesMax, in: 1...1000)
        retryDelay = try reader.duration("rabbitmq.retry_delay", retryDelay, in: .milliseconds(1)...(.seconds(86_400)))
        try files.read("rabbitmq", from: &reader)
    }

    func configuration(clientName: String) throws -> RabbitConfiguration {
        var configuration: RabbitConfiguration
        do {
            configuration = try RabbitConfiguration(url: url)
        } catch {
            throw ConfigurationError(key: "rabbitmq.url", problem: error.message)
        }
        configuration.clientName = clientName
        configuration.connectTimeout = connectTimeout
        configuration.operationTimeout = operationTimeout
        configuration.heartbeat = heartbeat
        try files.check("rabbitmq", scheme: "amqps", usesTLS: configuration.tls != nil)
        configuration.tls?.authorityFile = files.authority
        configuration.tls?.certificateFile = files.certificate
        configuration.tls?.keyFile = files.key
        return configuration
    }

    var subscription: RabbitSubscriptionConfiguration {
        var subscription = RabbitSubscriptionConfiguration()
        subscription.triesMax = triesMax
        subscription.retryDelay = retryDelay
        return subscription
    }
}

extension EventRoutes {
    mutating func read(from reader: inout SettingsReader) throws {
        bus = try reader.choice("events.bus", bus)
        let text = try reader.string("events.topics", "")
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=").map { $0.filter { $0 != " " } }
            guard words.count == 2, let topic = EventTopic.named(words[0]), let bus = EventBus(rawValue: words[1])
            else {
                let topics = EventTopic.allCases.map(\.rawValue).joined(separator: ", ")
                throw reader.refusal(
                    "events.topics", text, "topics with their buses like user.events=rabbitmq; there are \(topics)")
            }
            exceptions[topic] = bus
        }
    }
}
