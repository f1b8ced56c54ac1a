import Catalog
import ClientSupport
import Foundation
package import Kafka
package import Logging
package import Mongo
import Postgres
package import QuartetAPI
import QuartetCore
package import QuartetDatabases
import QuartetMigrations
import QuartetRoles
package import QuartetStores
import RabbitMQ
package import Redis
import Synchronization

/// The process's clients, one per store, made from the configuration. They connect when first used.
package struct StoreClients: Sendable {
    package let configuration: QuartetConfiguration
    package let databases: Databases
    package let redis: RedisClient
    package let mongo: MongoClient
    package let kafka: KafkaConfiguration
    private let postgres: [DatabaseName: PostgresClient]
    private let sharedProducer: SharedProducer
    private let topicReader: TopicReader
    let rabbit: RabbitClients
    let logger: Logger

    /// - Parameter role: how the stores see this process.
    /// - Throws: `ConfigurationError` that names the key of a URL which can't be used.
    package init(_ configuration: QuartetConfiguration, role: String, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        let name = "quartet-\(role)"
        postgres = try Self.postgres(configuration.databases, applicationName: name, logger: logger)
        let pools = try Self.pools(configuration, applicationName: name, logger: logger)
        databases = Databases(tables: configuration.tables, clients: postgres, pools: pools)
        redis = try Self.redis(configuration.redis, clientName: name, logger: logger)
        mongo = try Self.mongo(configuration.mongo, applicationName: name, logger: logger)
        let kafka = Self.kafka(configuration.kafka, clientID: name)
        self.kafka = kafka
        topicReader = TopicReader { try KafkaConsumer(kafka, options: KafkaConsumerOptions(), logger: logger) }
        rabbit = try RabbitClients(configuration, clientName: name, logger: logger)
        sharedProducer = SharedProducer {
            var options = KafkaProducerOptions()
            options.linger = configuration.kafka.linger
            options.deliveryTimeout = configuration.kafka.deliveryTimeout
            return try KafkaProducer(kafka, options: options, logger: logger)
        }
    }

    /// The outbox of each database. Tasks are made from that of the analyses alone.
    package func outboxes() throws -> [DatabaseName: PostgresOutboxStore] {
        let home = configuration.tables[.analysisRequests].database
        return try Dictionary(
            uniqueKeysWithValues: configuration.databases.names.map { name in
                let buses = configuration.routes.buses.map(\.sink)
                let sinks: [OutboxSink] = name == home ? [.queue] + buses : buses
                return (name, try PostgresOutboxStore(databases: databases, of: name, sinks: sinks))
            })
    }

    /// The process's producer; each one more would cost threads and connections of its own.
    package func producer() throws -> KafkaProducer { try sharedProducer() }

    /// Publishes events; each relay has one of its own.
    func publisher() throws -> KafkaEventPublisher {
        KafkaEventPublisher(producer: try producer(), naming: configuration.kafka.naming) { [topicReader] in
            try await topicReader.watermarks(of: $0)
        }
    }

    func deadLetters() throws -> any DeadLetterStore {
        let kafkaLetters = try KafkaDeadLetterStore(
            databases: databases, kafka: kafka, naming: configuration.kafka.naming,
            producer: { [sharedProducer] in try sharedProducer() }, logger: logger)
        guard rabbit.isUsed else { return kafkaLetters }
        let usesKafka = configuration.routes.buses.contains(.kafka)
        return DeadLetterStores(kafka: usesKafka ? kafkaLetters : nil, rabbit: try rabbit.deadLetters())
    }

    package func close() async {
        await sharedProducer.close()
        await rabbit.close()
        await topicReader.close()
        await databases.close()
        await redis.close()
        await mongo.close()
    }

    /// Logs which databases answer, all asked side by side, and refuses to go on with one whose schema is not this build's.
    /// A store that does not answer now may do so later.
    package func checkAtBoot() async throws {
        async let kindOfRedis: Void = requireKindOfRedis()
        let areReachable = await withTaskGroup(of: Bool.self) { group in
            for name in configuration.databases.names {
                guard let client = postgres[name] else { continue }
                group.addTask { await greet(name, client) }
            }
            return await group.reduce(true) { $0 && $1 }
        }
        try Task.checkCancellation()
        try await kindOfRedis
        guard areReachable else { return }
        try await checkSchemas()
    }

    /// What all depend on has to be there. A service whose own schema is not stops itself alone.
    private func checkSchemas() async throws {
        let migrator = Migrator(databases: databases, logger: logger)
        for history in migrator.histories {
            do {
                try await migrator.requireMigrated(history)
            } catch let failure as any StoreFailure where failure.isUnavailable {
                logger.warning("databases no longer answer", metadata: ["error": "\(failure)"])
            } catch let failure as PostgresStoreError where history.service?.hasOwnPool ?? false {
                logger.error(
                    "service without its schema: its calls are refused",
                    metadata: ["service": "\(history.name)", "error": "\(failure)"])
            }
        }
    }

    /// Whether it answers.
    private func greet(_ name: DatabaseName, _ client: PostgresClient) async -> Bool {
        do {
            let row = try await client.query(
                PostgresStatement("select current_database(), inet_server_port(), version()", name: "hello")
            ).single()
            let (database, port, version) = try row.decode(String.self, Int32?.self, String.self)
            logger.info(
                "database reached",
                metadata: [
                    "name": "\(name)", "database": "\(database)", "port": "\(port.map(String.init) ?? "socket")",
                    "server": "\(version.split(separator: " ").prefix(2).joined(separator: " "))",
                ])
            return true
        } catch is CancellationError {
            return false
        } catch {
            logger.warning("database does not answer yet", metadata: ["name": "\(name)", "error": "\(error)"])
            return false
        }
    }

    /// What `/readyz` asks.
    ///
    /// - Parameter publishing: whether a role of this process needs the buses.
    package func probes(publishing: Bool) -> [ReadinessProbe] {
        let essential = configuration.tables[.analysisRequests].database
        var probes = configuration.databases.names.map { name in
            ReadinessProbe(store: "postgresql.\(name)", isEssential: name == essential) { [databases] deadline in
                try await databases.requireWritable(name, deadline: deadline)
            }
        }
        probes += configuration.tables.services.filter(\.hasOwnPool).map { service in
            ReadinessProbe(store: "service.\(service.name)") { [databases] deadline in
                try await databases.requireReadable(of: service, deadline: deadline)
            }
        }
        probes += [
            ReadinessProbe(store: "mongodb") { [mongo] in try await mongo.ping(deadline: $0) },
            ReadinessProbe(store: "redis") { [redis] in try await redis.ping(deadline: $0) },
        ]
        if publishing, rabbit.isUsed {
            probes.append(
                ReadinessProbe(store: "rabbitmq") { [rabbit] deadline in
                    try await withDeadline(deadline, waitingFor: "RabbitMQ") { try await rabbit.publisher().ping() }
                })
        }
        if publishing, configuration.routes.buses.contains(.kafka) {
            probes.append(
                ReadinessProbe(store: "kafka") { [sharedProducer] in try await sharedProducer().ping(deadline: $0) })
        }
        return probes
    }

    // MARK: Clients from settings

    private static func postgres(
        _ settings: DatabasesConfiguration, applicationName: String, logger: Logger
    ) throws -> [DatabaseName: PostgresClient] {
        var clients: [DatabaseName: PostgresClient] = [:]
        for name in settings.names {
            clients[name] = PostgresClient(
                try configuration(of: name, settings, applicationName: applicationName), logger: logger)
        }
        return clients
    }

    /// Those of the services that stop themselves alone.
    private static func pools(
        _ configuration: QuartetConfiguration, applicationName: String, logger: Logger
    ) throws -> [String: PostgresClient] {
        var pools: [String: PostgresClient] = [:]
        for service in configuration.tables.services where service.hasOwnPool {
            let settings = configuration.services[service.name] ?? ServiceSettings()
            var pool = try Self.configuration(
                of: configuration.tables.place(of: service).database, configuration.databases,
                applicationName: "\(applicationName)-\(service.name)")
            pool.connectionsMax = settings.connectionsMax
            pool.sharedConnectionsMax = 1
            if !settings.role.isEmpty {
                pool.settings = pool.settings.filter { $0.name != "role" } + [("role", settings.role)]
            }
            pools[service.name] = PostgresClient(pool, logger: logger)
        }
        return pools
    }

    private static func configuration(
        of name: DatabaseName, _ settings: DatabasesConfiguration, applicationName: String
    ) throws -> PostgresConfiguration {
        try named("\(name).database.url") {
            let own = settings.settings[name] ?? DatabaseSettings()
            var configuration = try Databases.configuration(url: settings.url(of: name))
            configuration.applicationName = applicationName
            configuration.connectTimeout = own.connectTimeout ?? settings.connectTimeout
            configuration.statementTimeout = own.statementTimeout ?? settings.statementTimeout
            configuration.connectionsMax = own.connectionsMax ?? settings.connectionsMax
            configuration.lockTimeout = own.lockTimeout ?? settings.lockTimeout
            configuration.pooling = settings.pooling(of: name)
            if !own.role.isEmpty { configuration.settings.append(("role", own.role)) }
            return configuration
        }
    }

    private static func mongo(_ settings: MongoSettings, applicationName: String, logger: Logger) throws -> MongoClient
    {
        try named("mongodb.url") {
            var configuration = try MongoConfiguration(url: settings.url)
            configuration.applicationName = applicationName
            configuration.connectionsMax = settings.connectionsMax
            configuration.serverSelectionTimeout = settings.serverSelectionTimeout
            configuration.operationTimeout = settings.operationTimeout
            return try MongoClient(configuration, logger: logger)
        }
    }

    private static func kafka(_ settings: KafkaSettings, clientID: String) -> KafkaConfiguration {
        KafkaConfiguration(
            brokers: settings.brokers.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) },
            clientID: clientID, properties: settings.securityProperties)
    }

    /// Puts the key's name to what a client says of its value.
    static func named<Value>(_ key: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(key: key, problem: "\(error)")
        }
    }
}

/// A producer that is made when it is first asked for.
private final class SharedProducer: Sendable {
    private static let closingTime: Duration = .seconds(2)

    private let make: @Sendable () throws -> KafkaProducer
    private let made = Mutex<KafkaProducer?>(nil)

    init(make: @escaping @Sendable () throws -> KafkaProducer) {
        self.make = make
    }

    func callAsFunction() throws -> KafkaProducer {
        try made.withLock { made in
            let producer = try made ?? make()
            made = producer
            return producer
        }
    }

    /// What is on the way then has a moment to arrive.
    func close() async {
        await made.withLock { $0 }?.close(deadline: .after(Self.closingTime))
    }
}
