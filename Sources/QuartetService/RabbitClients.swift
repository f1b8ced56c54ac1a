import ClientSupport
import Logging
import QuartetCore
import QuartetRoles
import QuartetStores
import RabbitMQ
import ServiceSupport
import Synchronization

/// The process's clients of RabbitMQ, made when they are first used.
final class RabbitClients: Sendable {
    private static let closingTime: Duration = .seconds(2)

    let settings: RabbitSettings
    /// Who takes in events over RabbitMQ.
    let events: RabbitEvents
    private let configuration: RabbitConfiguration?
    private let logger: Logger
    private let made = Mutex<RabbitPublisher?>(nil)

    /// - Throws: `ConfigurationError` for a URL that can't be used, or one that is missing.
    init(_ configuration: QuartetConfiguration, clientName: String, logger: Logger) throws {
        settings = configuration.rabbit
        self.logger = logger
        let topics = configuration.routes.topics(over: .rabbitmq)
        var consumers = [(configuration.kafka.groupPrefix, InvalidationHandler.name, InvalidationHandler.topics)]
        consumers += HouseServices.subscriptions.map { ($0.service, $0.subscription.name, $0.subscription.topics) }
        consumers += Projections.all.map { (HouseServices.owner(of: $0), $0.name, $0.topics) }
        events = RabbitEvents(
            queues: consumers.compactMap { owner, name, wanted in
                let own = topics.intersection(wanted)
                let queue = "\(configuration.kafka.prefix)\(owner).\(name)"
                return own.isEmpty ? nil : RabbitEventQueue(name: queue, consumer: name, topics: own)
            }, isQuorum: configuration.rabbit.queueType == .quorum)
        guard !topics.isEmpty else {
            self.configuration = nil
            return
        }
        guard !settings.url.isEmpty else {
            throw ConfigurationError(key: "rabbitmq.url", problem: "is required where events go over rabbitmq")
        }
        self.configuration = try settings.configuration(clientName: clientName)
    }

    /// Whether any topic goes over it.
    var isUsed: Bool { configuration != nil }

    /// The process's publisher; it declares what there has to be.
    func publisher() throws -> RabbitPublisher {
        let configuration = try present()
        return made.withLock { made in
            let publisher = made ?? RabbitPublisher(configuration, topology: events.topology, logger: logger)
            made = publisher
            return publisher
        }
    }

    func eventPublisher() throws -> RabbitEventPublisher {
        RabbitEventPublisher(publisher: try publisher(), events: events, admin: try admin())
    }

    /// Declares nothing: a queue that is gone has lost events, and whoever publishes is to notice.
    func subscription(to queue: RabbitEventQueue) throws -> RabbitEventSubscription {
        let consumer = RabbitConsumer(
            try present(), queue: queue.name, prefetch: UInt16(clamping: settings.prefetch), logger: logger)
        return RabbitEventSubscription(
            consumer: consumer, publisher: try publisher(), queue: queue, configuration: settings.subscription)
    }

    func deadLetters() throws -> RabbitDeadLetterStore {
        RabbitDeadLetterStore(
            queues: events.queues, rabbit: try present(), publisher: { [self] in try publisher() }, logger: logger)
    }

    func admin() throws -> RabbitAdmin { RabbitAdmin(try present(), logger: logger) }

    func close() async {
        await made.withLock { $0 }?.close(deadline: .after(Self.closingTime))
    }

    private func present() throws -> RabbitConfiguration {
        guard let configuration else {
            throw ConfigurationError(key: "events.bus", problem: "no topic goes over rabbitmq")
        }
        return configuration
    }
}
