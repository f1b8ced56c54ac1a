package import Foundation
package import Logging

/// PostgreSQL, Redis, MongoDB, Kafka and, where it is wanted, RabbitMQ for one developer or one test run, under one folder.
///
/// Stacks in different folders run side by side. A folder has one stack at a time; a stack that starts where an earlier
/// one was finds its data and, while they are free, its ports.
package final class LocalStack: Sendable {
    /// The databases of the one PostgreSQL server.
    private static let databases = ["source", "dropship", "market"]

    package let directory: URL
    package let postgres: PostgresServer
    package let redis: RedisServer
    package let mongo: MongoServer
    package let kafka: any LocalBroker
    package let rabbit: RabbitServer?
    /// Servers that ended although nobody asked them to; for one consumer.
    package let unexpectedExits: AsyncStream<ServerExit>
    private let exits: AsyncStream<ServerExit>.Continuation
    private let lock: FolderLock

    /// Returns when all serve.
    ///
    /// - Throws: `StackError` of the first server that failed, when none runs any more.
    package static func start(
        directory: URL, options: StackOptions = .durable, logger: Logger? = nil
    ) async throws -> LocalStack {
        let stack = try LocalStack(directory: directory, options: options, logger: logger)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let servers: [(any LocalServer)?] = [
                    stack.postgres, stack.redis, stack.mongo, stack.kafka, stack.rabbit,
                ]
                for server in servers.compactMap(\.self) {
                    group.addTask { try await server.start() }
                }
                try await group.waitForAll()
            }
        } catch {
            await stack.stop()
            throw error
        }
        return stack
    }

    private init(directory: URL, options: StackOptions, logger: Logger?) throws {
        self.directory = directory.standardizedFileURL
        do {
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        } catch {
            throw StackError(
                code: .cannotUseDirectory, message: "can't make \(directory.path): \(error.localizedDescription)")
        }
        lock = try FolderLock(directory)
        let (stream, exits) = AsyncStream.makeStream(of: ServerExit.self, bufferingPolicy: .bufferingNewest(16))
        unexpectedExits = stream
        self.exits = exits
        let report: @Sendable (ServerExit) -> Void = { exits.yield($0) }
        postgres = PostgresServer(
            directory: directory, options: options, databases: Self.databases, logger: logger, onUnexpectedExit: report)
        redis = RedisServer(directory: directory, options: options, logger: logger, onUnexpectedExit: report)
        mongo = MongoServer(directory: directory, options: options, logger: logger, onUnexpectedExit: report)
        kafka =
            switch options.broker {
            case .embedded(let brokers): EmbeddedBroker(brokers: brokers, logger: logger)
            case .process:
                BrokerProcess(directory: directory, options: options, logger: logger, onUnexpectedExit: report)
            case .apache(let home, let nodes):
                KafkaBroker(
                    directory: directory, home: home, nodes: nodes, options: options, logger: logger,
                    onUnexpectedExit: report)
            }
        rabbit =
            options.hasRabbit
            ? RabbitServer(directory: directory, options: options, logger: logger, onUnexpectedExit: report) : nil
    }

    /// Stops all and gives the folder free.
    package func stop() async {
        await withTaskGroup(of: Void.self) { group in
            for server in ([postgres, redis, mongo, rabbit] as [(any LocalServer)?]).compactMap(\.self) {
                group.addTask { await server.stop() }
            }
            group.addTask { await self.kafka.close() }
        }
        exits.finish()
        lock.release()
    }

    /// What a client's environment needs in order to find them.
    package var environment: [String: String] {
        [
            "SOURCE_DATABASE_URL": postgres.url(database: "source"),
            "DROPSHIP_DATABASE_URL": postgres.url(database: "dropship"),
            "MARKET_DATABASE_URL": postgres.url(database: "market"),
            "REDIS_URL": redis.url,
            "MONGODB_URL": mongo.url,
            "KAFKA_BROKERS": kafka.url,
        ].merging(rabbit.map { ["RABBITMQ_URL": $0.url] } ?? [:]) { own, _ in own }
            .merging(kafka.settings) { own, _ in own }
    }

    /// Writes `stack.env` into the folder: the environment and `extra` as KEY=value lines that a shell can source. It is
    /// replaced at once and readable by its owner only. Returns its path.
    @discardableResult
    package func writeEnvironmentFile(adding extra: [String: String] = [:]) throws -> URL {
        let file = directory.appendingPathComponent("stack.env")
        try EnvironmentFile.write(environment.merging(extra) { _, added in added }, to: file)
        return file
    }

    /// The line for a shell that takes over what ``writeEnvironmentFile(adding:)`` wrote to `file`.
    package static func command(toRead file: URL) -> String {
        "set -a; . \(ShellWord.quoted(file.path)); set +a"
    }
}
