import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import QuartetHTTP
import ServiceLifecycle

/// `/healthz`, `/readyz` and `/metrics` alone, for roles without an HTTP interface of their own.
package struct HealthServer: Service {
    private static let connectionsMax = 256

    private let application: Application<RouterResponder<APIContext>>
    private let address: (host: String, port: Int)

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - probes: asked by `/readyz`.
    ///   - metrics: the text of `/metrics`.
    ///   - onListening: called with the port once it is open.
    package init(
        host: String, port: Int, probes: [ReadinessProbe] = [], metrics: @escaping @Sendable () -> String,
        logger: Logger, onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        address = (host, port)
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        let paths = KnownPaths()
        router.add(middleware: ProblemMiddleware(paths: paths))
        HealthEndpoints(probes: probes, metrics: metrics, logger: logger).add(to: router)
        for route in router.routes { paths.add(route.path.description, route.method) }
        var limits = APIConfiguration(key: "")
        (limits.connectionsMax, limits.idleTimeout) = (Self.connectionsMax, .seconds(15))
        application = Application(
            responder: router.buildResponder(),
            server: .http1(configuration: .guarded(limits)),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: "quartet",
                availableConnectionsDelegate: MaximumAvailableConnections(Seats.all(Self.connectionsMax))),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger)
    }

    package func run() async throws {
        try await ListenError.naming("metrics", host: address.host, port: address.port) { try await application.run() }
    }
}
