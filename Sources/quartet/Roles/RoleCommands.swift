import ArgumentParser
import CoreMetrics
import Logging
import QuartetAPI
import QuartetCore
import QuartetService

/// Runs roles of this process against the configured stores.
func runRoles(
    _ roles: Set<RoleName>, _ configuration: QuartetConfiguration, as name: String,
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
) async throws {
    let metrics = MetricsRegistry()
    MetricsSystem.bootstrap(metrics)
    let logger = configuration.logger(name)
    try await Composition(configuration, role: name, metrics: metrics, logger: logger).run(roles) { port in
        logger.info(
            "listening", metadata: ["url": "\(QuartetConfiguration.url(host: configuration.api.host, port: port))"])
        await onListening(port)
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve the HTTP API.")

    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: "The port; quartet.api.port otherwise. 0 takes a free one.")
    var port: Int?

    func run() async throws {
        var configuration = try configuration.load(for: ConfigurationUse(roles: [.serve]))
        if let port { configuration.api.port = port }
        try await runRoles([.serve], configuration, as: "serve")
    }
}

struct RelayOutbox: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay", abstract: "Deliver the outbox to the task queue and the topics.")

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        try await runRoles([.relay], configuration.load(for: ConfigurationUse(roles: [.relay])), as: "relay")
    }
}

struct Work: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Claim tasks and analyse reviews.")

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        try await runRoles([.work], configuration.load(for: ConfigurationUse(roles: [.work])), as: "work")
    }
}

struct Invalidate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove cache entries as events say so.")

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let configuration = try configuration.load(for: ConfigurationUse(roles: [.invalidate]))
        try await runRoles([.invalidate], configuration, as: "invalidate")
    }
}

struct RunAll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run several roles in one process, every one unless named.")

    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: "Roles: serve, relay, work, invalidate, project, cache, check (on its schedule), sync.")
    var roles: [RoleName] = RoleName.allCases

    @Option(help: "The port; quartet.api.port otherwise. 0 takes a free one.")
    var port: Int?

    func run() async throws {
        var configuration = try configuration.load(for: ConfigurationUse(roles: Set(roles)))
        if let port { configuration.api.port = port }
        try await runRoles(Set(roles), configuration, as: "run")
    }
}

extension RoleName: ExpressibleByArgument {}
