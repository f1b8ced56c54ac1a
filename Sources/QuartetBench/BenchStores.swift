import Logging
import QuartetService
import QuartetStack

/// What a bench on private servers begins with: a configuration that finds them, clients, and migrated schemas.
struct BenchStores {
    let configuration: QuartetConfiguration
    let clients: StoreClients
    let logger: Logger

    /// - Parameter settings: what the bench wants otherwise than it is.
    init(on stack: LocalStack, settings: [String: String] = [:]) throws {
        let environment = stack.environment.merging(settings) { _, wanted in wanted }
        var configuration = try QuartetConfiguration.load(path: nil, environment: environment)
        configuration.logLevel = .warning
        // What it fills, analyses and empties, the server's own vacuum may have just then, and is waited for.
        configuration.databases.lockTimeout = .seconds(300)
        self.configuration = configuration
        logger = configuration.logger("bench")
        clients = try StoreClients(configuration, role: "bench", logger: logger)
    }

    func migrate() async throws {
        let composition = try Composition(configuration, role: "bench", metrics: MetricsRegistry(), logger: logger)
        _ = try await composition.migrate()
        await composition.clients.close()
    }

    /// What `measure` finds; the clients are closed behind it.
    func closing<Figures>(after measure: () async throws -> Figures) async throws -> Figures {
        do {
            let figures = try await measure()
            await clients.close()
            return figures
        } catch {
            await clients.close()
            throw error
        }
    }
}
