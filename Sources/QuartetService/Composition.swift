import ClientSupport
import CoreMetrics
import Foundation
import Kafka
package import Logging
import Market
import Metrics
import QuartetAPI
import QuartetCore
package import QuartetDatabases
import QuartetEmotion
import QuartetHTTP
import QuartetMigrations
import QuartetRoles
import QuartetStores
import ServiceLifecycle
import ServiceSupport
import SystemRoom
import UnixSignals

/// Puts the process together: clients, the ports on them, the roles on the ports. The only place that knows everything.
package struct Composition: Sendable {
    package let clients: StoreClients
    let configuration: QuartetConfiguration
    /// The same for every role: neighbours in one process hear each other without a server in between.
    let ports: Ports
    let shop: [any ShopService]
    /// What roles ask for their settings.
    let live: LiveConfiguration
    private let metrics: MetricsRegistry
    let logger: Logger

    /// - Throws: `ConfigurationError`, or what the ports refuse.
    package init(
        _ configuration: QuartetConfiguration, role: String, metrics: MetricsRegistry, logger: Logger
    ) throws {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        clients = try StoreClients(configuration, role: role, logger: logger)
        ports = try Ports(clients: clients, configuration: configuration, logger: logger)
        live = try LiveConfiguration(configuration, logger: logger)
        shop = try HouseServices.make(clients.databases, settings: live)
    }

    /// Runs `roles` until `SIGTERM` or `SIGINT`, then drains them and closes the clients.
    ///
    /// - Parameter onListening: called with the HTTP port once it is open.
    package func run(
        _ roles: Set<RoleName>, onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        let names = roles.map(\.rawValue).sorted().joined(separator: " ")
        var services = [
            ServiceGroupConfiguration.ServiceConfiguration(service: StartNotice(roles: names, logger: logger))
        ]
        // Stopped last, so that a process that drains can still be looked into.
        let probes = clients.probes(publishing: !roles.isDisjoint(with: [.relay, .invalidate, .project]))
        let bound = ShutdownBound(timeout: configuration.shutdownTimeout, logger: logger)
        if let health = healthServer(probes) { services.append(.init(service: bound.watching("health", health))) }
        if let system {
            let watch = system.watch.service(withKeys: roles.contains(.serve), logger: logger)
            services.append(.init(service: bound.watching("settings", watch)))
        }
        let gate = BootGate()
        services.append(.init(service: bound.watching("boot check", BootCheck(clients: clients, gate: gate))))
        for stage in Self.stages {
            let together = try stage.filter(roles.contains).flatMap { role in
                try self.services(of: role, probes: probes, onListening: onListening).map { service in
                    // Callers are answered from the first moment on, if only with what is missing.
                    let service: any Service = role == .serve ? service : AfterBoot(gate: gate, role: service)
                    return bound.watching(role.rawValue, service)
                }
            }
            guard !together.isEmpty else { continue }
            services.append(
                .init(
                    service: SideBySide(together, logger: logger),
                    successTerminationBehavior: .gracefullyShutdownGroup))
        }
        services.append(.init(service: bound))
        defer { bound.disarm() }
        let group = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger.forServiceGroups))
        do {
            try await group.run()
        } catch {
            await clients.close()
            throw error
        }
        await clients.close()
        logger.info("stopped")
    }

    /// Creates what the stores need: the databases' schemas, then MongoDB's collections and indexes, then RabbitMQ's queues
    /// where they are used, then Kafka's topics unless the configuration leaves them to others.
    ///
    /// - Parameters:
    ///   - report: is told while documents of an older layout are converted: how many more were, of how many in all.
    ///   - observe: is told how far a long migration of a schema is.
    package func migrate(
        report: @Sendable (_ converted: Int, _ of: Int) -> Void = { _, _ in },
        observe: @escaping @Sendable (MigrationProgress) -> Void = { _ in }
    ) async throws -> [(name: String, applied: Int)] {
        let roles = configuration.services.mapValues(\.role).filter { !$0.value.isEmpty }
        let migrator = Migrator(databases: clients.databases, roles: roles, logger: logger, observe: observe)
        let schemas = try await migrator.migrate()
        for outbox in ports.outboxes.values { try await outbox.setShards(configuration.outboxShards) }
        try await ports.queue.prepare()
        try await CardCollections(client: clients.mongo).prepare(report: report)
        let queues = clients.rabbit.isUsed ? [("rabbitmq", try await declareEventQueues())] : []
        guard configuration.routes.buses.contains(.kafka), !clients.kafka.brokers.isEmpty,
            configuration.kafka.topicPartitions > 0
        else { return schemas + queues }
        let topics = EventTopics(
            settings: configuration.kafka, partitions: [.shopOrders: configuration.orders.partitions],
            kafka: clients.kafka, logger: logger)
        return schemas + [("kafka", try await topics.make())] + queues
    }

    /// Where settings and keys are.
    private var system: SystemService? { shop.lazy.compactMap { $0 as? SystemService }.first }

    // MARK: Roles

    /// In which order roles are stopped, from the last to the first: what a worker's last transaction wrote is still relayed,
    /// and whoever watches an analysis still hears of its end.
    private static let stages: [[RoleName]] = [
        [.serve], [.relay], RoleName.allCases.filter { ![.serve, .relay].contains($0) },
    ]

    private func services(
        of role: RoleName, probes: [ReadinessProbe], onListening: @escaping @Sendable (Int) async -> Void
    ) throws -> [any Service] {
        switch role {
        case .serve: return [try server(probes, onListening: onListening)]
        case .relay: return try relays() + [redriver()]
        case .work: return [try worker()]
        case .invalidate: return try consumers(of: InvalidationHandler(cache: ports.cache))
        case .project:
            // Whoever keeps certain read models keeps nothing else.
            let handlers = configuration.project.projections.isEmpty ? shop.flatMap(\.handlers) : []
            let watches = configuration.project.projections.isEmpty ? [try watchNotes()] : []
            return try handlers.flatMap { try consumers(of: $0) } + projections() + watches
        case .cache: return agingRefreshers()
        case .check: return [try sweeper()]
        case .sync: return [try syncRole()]
        }
    }

    private func server(
        _ probes: [ReadinessProbe], onListening: @escaping @Sendable (Int) async -> Void
    ) throws -> any Service {
        guard !configuration.api.key.isEmpty else {
            throw ConfigurationError(key: "quartet.api.key", problem: "is required; set QUARTET_API_KEY")
        }
        var api = configuration.api
        api.connectionsMax = DescriptorLimit.callers(of: api.connectionsMax)
        if api.connectionsMax < configuration.api.connectionsMax {
            logger.warning(
                "fewer connections of callers than are configured: a process may not have so many files open",
                metadata: [
                    "quartet.api.connections_max": "\(configuration.api.connectionsMax)",
                    "connections": "\(api.connectionsMax)", "ulimit -n": "\(DescriptorLimit.current)",
                ])
        }
        return APIServer(
            configuration: api, live: live.part(\.api), keys: system?.keys,
            ports: APIPorts(
                requests: ports.requests, queue: ports.queue, products: ports.products, reviews: ports.reviews,
                sessions: ports.sessions, cards: ports.cards, keywords: ports.keywords, progress: ports.progress,
                cache: ports.cache, flow: clients.invalidationFlow(ports.outboxes)),
            services: shop.map(\.calls) + agingCaches.map(\.calls),
            probes: probes, metrics: { [metrics] in metrics.text() }, observe: BatchMetrics().observe,
            logger: logger,
            onListening: onListening)
    }

    /// Nil unless it is configured where it listens.
    private func healthServer(_ probes: [ReadinessProbe]) -> (any Service)? {
        let settings = configuration.metrics
        guard !settings.host.isEmpty else { return nil }
        return HealthServer(
            host: settings.host, port: settings.port, probes: probes, metrics: { [metrics] in metrics.text() },
            logger: logger,
            onListening: { [logger] port in
                logger.info(
                    "health and metrics served",
                    metadata: ["url": "\(QuartetConfiguration.url(host: settings.host, port: port))"])
            })
    }

    /// One for each sink of each database.
    private func relays() throws -> [any Service] {
        try ports.outboxes.values.flatMap { outbox in
            try deliveries(from: outbox).map { delivery in
                Relay(
                    database: "\(outbox.database)", configuration: live.part(\.relay), outbox: outbox,
                    delivery: delivery, logger: logger)
            }
        }
    }

    private func redriver() throws -> DeadLetterRedriver {
        DeadLetterRedriver(configuration: live.part(\.redrive), letters: try deadLetters(), logger: logger)
    }

    func deliveries(from outbox: PostgresOutboxStore) throws -> [any OutboxDelivery] {
        let routes = configuration.routes
        return try outbox.sinks.map { sink in
            switch sink {
            case .queue: QueueDelivery(queue: ports.queue, progress: ports.progress, logger: logger)
            case .events: TopicDelivery(publisher: try clients.publisher(), topics: routes.topics(over: .kafka))
            case .rabbitmq:
                TopicDelivery(
                    publisher: try clients.rabbit.eventPublisher(), over: .rabbitmq,
                    topics: routes.topics(over: .rabbitmq))
            }
        }
    }

    private func worker() throws -> any Service {
        let analyzer = try analyzer()
        logger.info("cards are made by \(analyzer.identity)")
        return Worker(
            identity: "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)",
            configuration: live.part(\.worker),
            ports: WorkerPorts(
                requests: ports.requests, queue: ports.queue, reviews: ports.reviews, sessions: ports.sessions,
                cards: ports.cards, keywords: ports.keywords, progress: ports.progress, analyzer: analyzer),
            observe: BatchMetrics().observe, logger: logger)
    }

    /// The group of those who invalidate, and what it reads.
    package static func invalidators(_ configuration: QuartetConfiguration) -> (group: String, topics: [String]) {
        (
            configuration.kafka.group(of: InvalidationHandler.name),
            InvalidationHandler.topics.map(configuration.kafka.naming.topic)
        )
    }

    /// What takes in the events that a handler wants: one for each bus that carries some.
    func consumers(of handler: some EventHandler) throws -> [any Service] {
        var services: [any Service] = []
        let topics = configuration.routes.topics(over: .kafka).intersection(handler.topics)
        if !topics.isEmpty {
            let names = topics.map(configuration.kafka.naming.topic).sorted()
            let count = handler.name == OrderHandler.name ? configuration.orders.consumers : 1
            for _ in 0..<count { services.append(try kafkaConsumer(of: handler, names)) }
        }
        for queue in clients.rabbit.events.queues where queue.consumer == handler.name {
            services.append(
                EventConsumer(configuration: configuration.events, handler: handler, logger: logger) { [clients] in
                    try clients.rabbit.subscription(to: queue)
                })
        }
        return services
    }

    private func kafkaConsumer(of handler: some EventHandler, _ topics: [String]) throws -> any Service {
        var options = KafkaConsumerOptions(group: configuration.kafka.group(of: handler.name), topics: topics)
        options.sessionTimeout = configuration.kafka.sessionTimeout
        options.fetchWaitMax = configuration.kafka.fetchWait
        options.onLag = LagMetrics(group: configuration.kafka.group(of: handler.name)).observe
        let final = options
        let deadLetters = try clients.producer()
        return EventConsumer(configuration: configuration.events, handler: handler, logger: logger) {
            [clients, logger, naming = configuration.kafka.naming] in
            KafkaEventSubscription(
                consumer: try KafkaConsumer(clients.kafka, options: final, logger: logger), deadLetters: deadLetters,
                naming: naming)
        }
    }

    private func analyzer() throws -> any EmotionAnalyzer {
        let settings = configuration.emotion
        switch settings.analyzer {
        case .model: return ModelAnalyzer(model: try model(settings.modelPath))
        case .lexicon: return LexiconAnalyzer()
        case .http:
            return HTTPAnalyzer(
                configuration: settings.http,
                transport: HTTPAnalyzerTransport(url: settings.url, token: settings.token))
        }
    }

    private func model(_ path: String) throws -> EmotionModel {
        guard !path.isEmpty else { return try EmotionModel.embedded() }
        do {
            return try EmotionModel(path: path)
        } catch {
            throw ConfigurationError(key: "emotion.model", problem: error.message)
        }
    }
}

/// Says that the roles run: from here on a signal stops them gracefully.
private struct StartNotice: Service {
    let roles: String
    let logger: Logger

    func run() async throws {
        logger.info("roles started", metadata: ["roles": "\(roles)"])
        try? await gracefulShutdown()
    }
}
