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
    /// Nil for one that anybody may enter.
    package let secrets: StackSecrets?

    /// Returns when all serve.
    ///
    /// - Throws: `StackError` of the first server that failed, when none runs any more.
    package static func start(
        directory: URL, options: StackOptions = .durable, logger: Logger? = nil
    ) async throws -> LocalStack {
        let lock = try claim(directory)
        let stack: LocalStack
        do {
            let secrets = try await secrets(options, in: directory)
            stack = LocalStack(directory: directory, options: options, secrets: secrets, lock: lock, logger: logger)
        } catch {
            lock.release()
            throw error
        }
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

    private static func claim(_ directory: URL) throws -> FolderLock {
        do {
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        } catch {
            throw StackError(
                code: .cannotUseDirectory, message: "can't make \(directory.path): \(error.localizedDescription)")
        }
        return try FolderLock(directory)
    }

    /// What servers were made with stays with them: users and rights are among their data.
    private static func secrets(_ options: StackOptions, in directory: URL) async throws -> StackSecrets? {
        let path = directory.standardizedFileURL.path
        let wasSecured = FileManager.default.fileExists(atPath: StackSecrets.folder(in: directory).path)
        guard let security = options.security else {
            guard !wasSecured else {
                throw StackError(
                    code: .cannotUseDirectory,
                    message: "the servers in \(path) are secured: say --secure, or take another folder")
            }
            return nil
        }
        guard wasSecured || !FileManager.default.fileExists(atPath: path + "/postgres") else {
            throw StackError(
                code: .cannotUseDirectory,
                message: "the servers in \(path) were made without --secure, which takes a folder of its own")
        }
        return try await StackSecrets(of: security, in: directory)
    }

    private init(
        directory: URL, options: StackOptions, secrets: StackSecrets?, lock: FolderLock, logger: Logger?
    ) {
        self.directory = directory.standardizedFileURL
        self.lock = lock
        self.secrets = secrets
        let (stream, exits) = AsyncStream.makeStream(of: ServerExit.self, bufferingPolicy: .bufferingNewest(16))
        unexpectedExits = stream
        self.exits = exits
        let report: @Sendable (ServerExit) -> Void = { exits.yield($0) }
        postgres = PostgresServer(
            directory: directory, options: options, databases: Self.databases, secrets: secrets, logger: logger,
            onUnexpectedExit: report)
        redis = RedisServer(
            directory: directory, options: options, secrets: secrets, logger: logger, onUnexpectedExit: report)
        mongo = MongoServer(
            directory: directory, options: options, secrets: secrets, logger: logger, onUnexpectedExit: report)
        kafka =
            switch options.broker {
            case .embedded(let brokers): EmbeddedBroker(brokers: brokers, logger: logger)
            case .process:
                BrokerProcess(directory: directory, options: options, logger: logger, onUnexpectedExit: report)
            case .apache(let home, let nodes):
                KafkaBroker(
                    directory: directory, home: home, nodes: nodes, options: options, secrets: secrets, logger: logger,
                    onUnexpectedExit: report)
            }
        rabbit =
            options.hasRabbit
            ? RabbitServer(
                directory: directory, options: options, secrets: secrets, logger: logger, onUnexpectedExit: report)
            : nil
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
            .merging(kafka.settings) { own, _ in own }.merging(secrets?.settings ?? [:]) { own, _ in own }
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
