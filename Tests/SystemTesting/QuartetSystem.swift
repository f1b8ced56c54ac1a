import ClientSupport
package import Foundation
package import QuartetStack
package import QuartetTesting
import Synchronization
import Testing

/// Quartet on databases of its own on a stack's servers, and the processes that a test runs on them.
package final class QuartetSystem: Sendable {
    package let stack: LocalStack
    /// What tells this system from others on the same servers.
    package let name: String
    package let environment: [String: String]
    package let stores: Stores
    /// For files of the test.
    package let folder: URL
    private let processes = Mutex<[TestProcess]>([])

    package static let apiKey = "a-key-for-tests"

    /// Short leases and polls, so that what a dead process held is soon free, and few connections.
    private static let quickSettings = [
        "QUARTET_API_KEY": apiKey, "DB_CONNECTIONS_MAX": "3", "MONGODB_CONNECTIONS_MAX": "8",
        "KAFKA_FETCH_WAIT": "20ms", "KAFKA_SESSION_TIMEOUT": "4s",
        "WORKER_LEASE_DURATION": "1s", "WORKER_POLL_INTERVAL": "100ms", "WORKER_RETRY_BASE": "50ms",
        "WORKER_RETRY_MAX": "500ms", "RELAY_LEASE_DURATION": "1s", "RELAY_POLL_INTERVAL": "200ms",
        "QUARTET_API_WATCH_INTERVAL": "200ms", "ORDERS_CONSUMERS": "1",
    ]

    private init(on stack: LocalStack, settings: [String: String]) async throws {
        self.stack = stack
        let name = TestStack.uniqueName("system")
        self.name = name
        folder = try TemporaryFolder.make()
        var environment = Self.quickSettings.merging(settings) { $1 }
        for database in ["source", "dropship", "market"] {
            environment["\(database.uppercased())_DATABASE_URL"] = stack.postgres.url(database: "\(database)_\(name)")
        }
        environment["REDIS_URL"] = settings["REDIS_URL"] ?? stack.redis.url
        environment["REDIS_PREFIX"] = "\(name):"
        environment["MONGODB_URL"] = stack.mongo.url(database: name)
        environment["KAFKA_BROKERS"] = stack.kafka.url
        environment.merge(stack.kafka.settings) { own, _ in own }
        environment.merge(stack.secrets?.settings ?? [:]) { own, _ in own }
        environment["KAFKA_GROUP_PREFIX"] = name
        self.environment = environment
        // Tests look at what Quartet may not, and harm it.
        for database in ["source", "dropship", "market"] {
            environment["\(database.uppercased())_DATABASE_URL"] =
                stack.postgres.adminURL(database: "\(database)_\(name)")
        }
        environment["REDIS_URL"] = stack.redis.adminURL
        environment["MONGODB_URL"] = stack.mongo.adminURL(database: name)
        stores = try Stores(environment: environment, folder: folder)
    }

    /// Runs `body` with a stack of its own, for tests that stop or break servers.
    package static func withPrivateStack(
        on kafka: TestBroker = .embedded, hasRabbit: Bool = false, _ body: (LocalStack) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder.make()
        // Many of them would fill a disk before the process ends.
        defer { try? FileManager.default.removeItem(at: folder) }
        var options = TestStack.options
        options.broker = try kafka.kind
        options.hasRabbit = hasRabbit
        let stack = try await LocalStack.start(directory: folder, options: options)
        do {
            try await body(stack)
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }

    /// Runs `body` with a fresh system on `stack`, migrated; ends every process that it started. A process that does not
    /// end well when told to is an issue.
    package static func run(
        on stack: LocalStack, settings: [String: String] = [:], isMigrated: Bool = true,
        _ body: (QuartetSystem) async throws -> Void
    ) async throws {
        let system = try await QuartetSystem(on: stack, settings: settings)
        do {
            try await system.makeDatabases()
            if isMigrated { try await system.finish(["migrate"]) }
            try await body(system)
        } catch {
            for process in system.present { await process.kill() }
            await system.stores.close()
            throw error
        }
        await system.stores.close()
        await withTaskGroup(of: Void.self) { group in
            for process in system.present {
                group.addTask { await expectToEndWell(process) }
            }
        }
    }

    private static func expectToEndWell(_ process: TestProcess) async {
        do {
            // Before that a signal ends it as it ends any program.
            try await eventually("\(process.name) works") {
                process.log.contains("roles started") || process.end != nil
            }
            #expect(try await process.stop() == .status(0), "\(process.name)\(process.lastWords)")
        } catch {
            Issue.record(error)
            await process.kill()
        }
    }

    /// Starts `quartet` with `arguments`; it is ended with the system.
    package func start(_ arguments: [String], settings: [String: String] = [:]) throws -> TestProcess {
        let process = try TestProcess.quartet(
            arguments, environment: environment.merging(settings) { $1 }, folder: folder)
        processes.withLock { $0.append(process) }
        return process
    }

    /// Starts roles with the HTTP API among them, and returns its client once it listens.
    package func serve(
        with roles: [String] = [], settings: [String: String] = [:]
    ) async throws -> (process: TestProcess, shop: Shop) {
        let process = try start(["run", "serve"] + roles + ["--port", "0"], settings: settings)
        let url = try await eventually("\(process.name) listens") { () -> String? in
            if let end = process.end { throw TestFailure("\(process.name) ended with \(end)\(process.lastWords)") }
            return process.log.firstMatch(of: /url=(http:\S+) .*listening/).map { String($0.output.1) }
        }
        return (process, Shop(url: url, key: Self.apiKey))
    }

    /// Runs `quartet` to its end and returns its output; a status other than 0 throws.
    @discardableResult
    package func finish(_ arguments: [String], settings: [String: String] = [:]) async throws -> String {
        try await TestProcess.output(
            of: [TestProcess.quartetPath()] + arguments, environment: environment.merging(settings) { $1 },
            folder: folder)
    }

    /// The checker walks all that there is and finds nothing.
    package func expectConsistency() async throws {
        do {
            try await finish(["check", "--full"], settings: Self.quickCheck)
        } catch {
            Issue.record("quartet check: \(error)")
        }
    }

    /// What is older than a second may be judged.
    package static let quickCheck = [
        "CHECK_SETTLE_WINDOW": "1s", "CHECK_SECOND_LOOK_PAUSE": "1s", "CHECK_WORK_SHARE": "100",
    ]

    /// Those that have not ended.
    private var present: [TestProcess] { processes.withLock { $0 }.filter { $0.end == nil } }

    private func makeDatabases() async throws {
        for database in ["source", "dropship", "market"] {
            try await stack.postgres.makeDatabase("\(database)_\(name)")
        }
        try await stack.mongo.makeDatabase(name)
    }
}
