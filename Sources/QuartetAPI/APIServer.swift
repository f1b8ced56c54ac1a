package import ClientSupport
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import QuartetCore
package import QuartetHTTP
import ServiceLifecycle
import Synchronization

/// The HTTP interface: a role like the others.
package struct APIServer: Service {
    private let application: Application<RouterResponder<APIContext>>
    private let address: (host: String, port: Int)
    private let hub: WatchHub
    private let calls: RequestBatchers
    /// Every call that is answered, as "GET /v1/products/{id}".
    package let routes: Set<String>

    /// - Parameters:
    ///   - keys: of callers, beside the configured one.
    ///   - live: what may change while it runs.
    ///   - services: whose calls are served beside those of the analyses.
    ///   - probes: asked by `/readyz`.
    ///   - metrics: the text of `/metrics`.
    ///   - onListening: called with the port once it is open.
    package init(
        configuration: APIConfiguration, live: Live<APIConfiguration>? = nil,
        keys: (any CallerKeys)? = nil, ports: APIPorts,
        services: [ServiceCalls] = [], probes: [ReadinessProbe] = [],
        metrics: @escaping @Sendable () -> String = { "" }, observe: (@Sendable (BatchReport) -> Void)? = nil,
        logger: Logger, onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        address = (configuration.host, configuration.port)
        calls = RequestBatchers(ports: ports, configuration: configuration, observe: observe)
        let directory = ProductDirectory()
        let hints = CacheHints(
            cache: ports.cache, calls: calls, directory: directory, configuration: configuration.cache)
        let live = live ?? Live(configuration)
        hub = WatchHub(ports: ports, calls: calls, hints: hints, configuration: live, logger: logger)
        let router = Self.router(
            configuration: configuration, live: live, keys: keys, ports: ports, calls: calls, directory: directory,
            hints: hints, hub: hub, services: services, probes: probes, metrics: metrics, observe: observe,
            logger: logger)
        routes = Set(router.routes.map(\.description))
        application = Application(
            responder: router.buildResponder(),
            server: .http1(configuration: .guarded(configuration)),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "quartet",
                availableConnectionsDelegate: MaximumAvailableConnections(Seats.all(configuration.connectionsMax))),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? configuration.port) },
            logger: logger)
    }

    package func run() async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: application), .init(service: hub)],
                logger: application.logger.forServiceGroups))
        try await ListenError.naming("quartet.api", host: address.host, port: address.port) { try await group.run() }
    }

    /// The application on its own, for tests without a socket.
    package var testable: Application<RouterResponder<APIContext>> { application }

    private static func router(
        configuration: APIConfiguration, live: Live<APIConfiguration>, keys: (any CallerKeys)?, ports: APIPorts,
        calls: RequestBatchers,
        directory: ProductDirectory, hints: CacheHints, hub: WatchHub, services: [ServiceCalls],
        probes: [ReadinessProbe],
        metrics: @escaping @Sendable () -> String, observe: (@Sendable (BatchReport) -> Void)?, logger: Logger
    ) -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        let paths = KnownPaths()
        router.add(middleware: PackingMiddleware())
        router.add(middleware: ConditionalMiddleware())
        router.add(middleware: ProblemMiddleware(paths: paths))
        router.add(middleware: BodyMiddleware(budget: BodyBudget(bytes: configuration.bodiesBytesMax)))
        let flow = FlowMonitor(
            flow: ports.flow, delayMax: configuration.cache.delayMax, logger: logger)
        let probes =
            ports.flow == nil
            ? probes : probes + [ReadinessProbe(store: "invalidations") { _ in try await flow.check() }]
        HealthEndpoints(probes: probes, metrics: metrics, logger: logger).add(to: router)
        OpenAPIEndpoint(services: services).add(to: router)
        let shared = SharedCalls()
        let routes = router.group("v1").add(middleware: Authentication(key: configuration.key, keys: keys))
        ProductEndpoints(
            ports: ports, calls: calls, directory: directory,
            cached: CachedReads(
                cache: ports.cache, flow: flow, configuration: configuration.cache, observe: observe),
            hints: hints, shared: shared
        ).add(to: routes)
        ReviewEndpoints(ports: ports, calls: calls, directory: directory, settings: live)
            .add(to: routes)
        AnalysisEndpoints(
            ports: ports, calls: calls, directory: directory, hints: hints, settings: live
        ).add(to: routes)
        AnalysisChangeEndpoints(calls: calls, hints: hints).add(to: routes)
        DeadEndpoints(ports: ports, calls: calls).add(to: routes)
        let service = ServiceRouter(routes: routes, shared: shared) { await hints.changed($0) }
        for calls in services { calls.add(service) }
        EventStreamEndpoint(calls: calls, hub: hub).add(to: routes)
        for route in router.routes { paths.add(route.path.description, route.method) }
        return router
    }
}
