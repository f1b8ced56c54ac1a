import Foundation

/// A private server for development and tests.
///
/// A server that is stopped or killed keeps its data and its address, and starts again on both. It never outlives the
/// process that started it: a watchdog ends it when that process is gone, however it went.
package protocol LocalServer: Sendable {
    var name: String { get }

    /// Where clients find it; settled once ``start()`` has returned.
    var url: String { get }

    /// Returns when the server serves; at once when it already does.
    ///
    /// - Throws: `StackError`.
    func start() async throws

    /// Ends the server gracefully, or by SIGKILL after the stop timeout. A server that does not run stays so.
    func stop() async

    /// Ends the server by SIGKILL, with every process it made, and returns when they are gone.
    func kill() async

    /// Freezes the server with its processes: connections stay open and nothing answers.
    func suspend() async

    /// Lets a suspended server go on.
    func resume() async

    /// Stops and starts again at the same address, on the same data.
    func restart() async throws
}

extension LocalServer {
    package func restart() async throws {
        await stop()
        try await start()
    }
}

/// Kafka, or what stands for it.
///
/// What stands for it keeps its records in memory: stopped or killed, it only turns clients away for a while; what ends the
/// broker itself takes them along. Apache Kafka keeps them in its folder.
package protocol LocalBroker: LocalServer {
    /// What it is, for those who start it.
    var summary: String { get }

    /// What its clients have to be told beside its address, as variables of their environment.
    var settings: [String: String] { get }

    /// Whether records outlive the broker's end.
    var keepsRecords: Bool { get }

    /// Ends the broker.
    func close() async

    /// Ends the broker with all that it keeps; the next ``start()`` begins with nothing.
    func wipe() async throws
}

/// A server that is a process of its own.
protocol HostedServer: LocalServer {
    var host: ServerHost { get }
}

extension HostedServer {
    package var name: String { host.recipe.name }
    /// The loopback TCP port; settled once ``start()`` has returned.
    package var port: UInt16 { host.port }
    package func start() async throws { try await host.start() }
    package func stop() async { await host.stop() }
    package func kill() async { await host.kill() }
    package func suspend() async { await host.suspend() }
    package func resume() async { await host.resume() }
}
